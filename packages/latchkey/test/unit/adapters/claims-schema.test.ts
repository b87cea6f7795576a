import { describe, expect, it, onTestFinished } from 'vitest'
import * as z from 'zod'
import type { ClaimsSchema } from '../../../src/index.js'
import { type SetupOptions, setUp } from '../../support/setup.js'
import { applications } from './applications/index.js'
import { call } from './call.js'

const failing: ClaimsSchema<object, object> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: () => {
      throw new Error('a mistake with a-secret-value')
    },
  },
}

describe.each(applications)('a schema of claims behind the guard of %s', (_, start) => {
  /** Sends a token that was issued before the schema. */
  async function send(claims: ClaimsSchema) {
    const before = setUp()
    const { clock, store } = before
    const { latchkey } = setUp({ clock, store, latchkey: { claims } } as SetupOptions & { clock: typeof clock })
    const application = await start(latchkey)
    onTestFinished(() => application.close())
    const { token } = await before.latchkey.issue({ subject: 'alice', claims: { plan: 'a-secret-plan' } })
    return call(application.port, { headers: ['Authorization', `Bearer ${token}`] })
  }

  it('accepts claims that match', async () => {
    expect(await send(z.object({ plan: z.string() }))).toMatchObject({ status: 200, text: '{"subject":"alice"}' })
  })

  it('responds with 401 to claims that do not match', async () => {
    const { status, challenge, text } = await send(z.object({ plan: z.enum(['free', 'pro']) }))
    expect({ status, code: JSON.parse(text).code }).toEqual({ status: 401, code: 'claims_mismatch' })
    expect(challenge).toMatch(/^Bearer error="invalid_token", error_description="[^"\\]+: plan\."$/)
    expect(challenge + text).not.toContain('a-secret')
  })

  it('responds with 500 and without the cause if it throws', async () => {
    const { status, challenge, text } = await send(failing)
    expect(status).toBe(500)
    expect(challenge).toBeUndefined()
    expect(text).not.toContain('a-secret')
  })
})
