import { defineFailures as defineInOtherCopy, isFailure as isFailureOfOtherCopy } from 'latchkey'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { defineFailures, FailureError, isFailure } from '../../src/define-failures.js'
import { isLatchkeyError, refusal } from '../../src/errors.js'

const table = {
  order_unknown: { status: 404, message: 'There is no such order.', hint: 'Check the ID.' },
  order_malformed: {
    status: 400,
    message: 'A member is missing.',
    hint: 'See the schema.',
    challenge: 'invalid_request',
    headers: { 'Cache-Control': 'no-store' },
    oauthError: 'invalid_request',
  },
} as const
const orders = defineFailures('OrderError', table)

describe('a table of failures', () => {
  it('creates errors with the code, the status and the hint of the table', () => {
    const error = new orders.Error('order_unknown', { cause: 'the cause' })
    expect(error).toBeInstanceOf(Error)
    expect(error).toMatchObject({ name: 'OrderError', code: 'order_unknown', status: 404, statusCode: 404 })
    expect(error).toMatchObject({ message: 'There is no such order.', hint: 'Check the ID.', cause: 'the cause' })
    expect(error.headers).toEqual({})
    expect(error.stack).toMatch(/^OrderError: There is no such order\.\n\s+at /)
  })

  it('types codes as a union, and entries with members of their own', () => {
    const error = orders.refusal('order_malformed')
    expectTypeOf(error.code).toEqualTypeOf<'order_unknown' | 'order_malformed'>()
    expect(error.failure).toBe(table.order_malformed)
    // @ts-expect-error: the table does not define this code.
    expect(() => orders.refusal('order_lost')).toThrow(TypeError)
  })

  it('adds the headers of the entry, the challenge and the delay of a retry to the answer', () => {
    const { headers } = orders.refusal('order_malformed', { detail: 'price', scope: 'orders', retryAfterSec: 7 })
    expect(headers).toEqual({
      'Cache-Control': 'no-store',
      'Retry-After': '7',
      'WWW-Authenticate':
        'Bearer error="invalid_request", error_description="A member is missing: price.", scope="orders"',
    })
  })

  it('takes a more exact hint, and further members of the problem document', () => {
    const extensions = { errors: [{ field: 'body/price' }] }
    const error = orders.refusal('order_malformed', { hint: 'Send a price.', extensions })
    expect(error).toMatchObject({ hint: 'Send a price.', extensions })
    expect('extensions' in orders.refusal('order_malformed')).toBe(false)
  })

  it('recognises its own errors, of any copy of the package, and no others', () => {
    const others = defineInOtherCopy('OrderError', table)
    expect(others.refusal('order_unknown')).toBeInstanceOf(orders.Error)
    expect(orders.is(others.refusal('order_unknown'))).toBe(true)
    expect(orders.is(refusal('token_expired'))).toBe(false)
    expect(isLatchkeyError(orders.refusal('order_unknown'))).toBe(false)
    for (const value of [new Error('order_unknown'), { code: 'order_unknown' }, null, 'order_unknown']) {
      expect(orders.is(value)).toBe(false)
      expect(isFailure(value)).toBe(false)
      expect(value instanceof orders.Error).toBe(false)
      expect(value instanceof FailureError).toBe(false)
    }
    expect(refusal('token_expired')).not.toBeInstanceOf(orders.Error)
    expect(refusal('token_expired')).toBeInstanceOf(FailureError)
    expect(isFailure(orders.refusal('order_unknown'))).toBe(true)
    expect(isFailureOfOtherCopy(orders.refusal('order_unknown'))).toBe(true)
  })

  it('has classes that an application can extend, and that differ from one another', () => {
    class LateOrder extends orders.Error {}
    const late = new LateOrder('order_unknown')
    expect(late).toBeInstanceOf(LateOrder)
    expect(late).toBeInstanceOf(orders.Error)
    expect(late).toBeInstanceOf(FailureError)
    expect(orders.refusal('order_unknown')).not.toBeInstanceOf(LateOrder)
  })
})
