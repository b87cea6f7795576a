import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { decodeDetail, encodeDetail } from '../../../src/audit/audit-detail.js'
import { AuditMac } from '../../../src/audit/audit-mac.js'

const key = Buffer.alloc(32, 7)
const record = {
  id: '018bcfe5-6800-7000-8000-000000000001',
  at: 1_700_000_000_000,
  event: 'login',
  outcome: 'refused',
  actor: null,
  account: 'a',
  session: null,
  address: '192.0.2.1',
} as const

describe('the tag of an audit entry', () => {
  it('is unchanged for entries without a detail since details were added', () => {
    const parts = ['entry', ...Object.values(record)]
    const tag = createHmac('sha256', key).update(JSON.stringify(parts)).digest('base64url')
    expect(new AuditMac(key).isGenuine({ ...record, detail: null, tag })).toBe(true)
    expect(new AuditMac(key).isGenuine({ ...record, detail: '{}', tag })).toBe(false)
  })

  it('covers the detail and its presence', () => {
    const mac = new AuditMac(key)
    const tag = mac.tagOf({ ...record, detail: '{"count":2}' })
    expect(mac.isGenuine({ ...record, detail: '{"count":2}', tag })).toBe(true)
    for (const detail of [null, '', '{}', '{"count":3}']) {
      expect(mac.isGenuine({ ...record, detail, tag })).toBe(false)
    }
  })
})

describe('the detail of an audit entry', () => {
  it('is bounded', () => {
    expect(encodeDetail({ scope: 'x'.repeat(8000) })).toHaveLength(8012)
    expect(encodeDetail({ scope: 'x'.repeat(9000) })).toBe('{"truncated":true}')
    expect(encodeDetail(undefined)).toBeNull()
  })

  it('is absent where the database has a value that is no detail', () => {
    for (const text of ['', '{', '[1]', '1', '"x"', 'null']) expect(decodeDetail(text)).toBeNull()
    expect(decodeDetail('{"count":2}')).toEqual({ count: 2 })
  })
})
