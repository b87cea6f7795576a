import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AuditEntry } from '../../../src/audit/audit-record.js'
import { AuditTally, tallyWindowMs } from '../../../src/audit/audit-tally.js'

const at = (ms: number) => ({ now: 1_700_000_000_000 + ms, monotonic: ms })
const anonymous = { event: 'login', outcome: 'refused', actor: null, account: null, address: '192.0.2.1' } as const

/** Returns the entries that are written when these arrive in one window. */
function written(entries: readonly AuditEntry[]): AuditEntry[] {
  const tally = new AuditTally()
  const first = entries.filter((entry) => tally.isFirst(entry, at(0)))
  return [...first, ...tally.take('all', at(0))]
}

const countOf = ({ detail }: AuditEntry) => Number(detail?.count ?? 1)

describe('a tally of the audit log', () => {
  it('writes the first entry of a window at once, and the others as one entry with their number and times', () => {
    const tally = new AuditTally()
    expect([0, 1000, 2000, 3000].map((ms) => tally.isFirst(anonymous, at(ms)))).toEqual([true, false, false, false])
    expect(tally.take('ended', at(tallyWindowMs - 1))).toEqual([])
    const detail = { count: 3, first: '2023-11-14T22:13:21.000Z', last: '2023-11-14T22:13:23.000Z' }
    expect(tally.take('ended', at(tallyWindowMs))).toEqual([{ ...anonymous, detail }])
    expect(tally.isFirst(anonymous, at(tallyWindowMs))).toBe(true)
    expect(tally.take('all', at(tallyWindowMs))).toEqual([])
  })

  it('writes a bounded number of entries for any number of addresses, and counts all of them', () => {
    const flood = Array.from({ length: 100_000 }, (_, n) => ({
      ...anonymous,
      address: `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`,
    }))
    const entries = written(flood)
    expect(entries).toHaveLength(32 + 1)
    expect(entries.reduce((sum, entry) => sum + countOf(entry), 0)).toBe(100_000)
    expect(entries.at(-1)).toMatchObject({ address: null, detail: { networks: 'others', count: 100_000 - 32 } })
  })

  it('treats all addresses of an IPv6 /64 as one network', () => {
    const flood = Array.from({ length: 100 }, (_, n) => ({ ...anonymous, address: `2001:db8::${n.toString(16)}` }))
    expect(written(flood).map(({ address }) => address)).toEqual(['2001:db8::0', '2001:db8::/64'])
  })

  it('counts accounts, sessions, reasons and kinds separately', () => {
    const kinds: AuditEntry[] = [
      { ...anonymous },
      { ...anonymous, account: 'a' },
      { ...anonymous, account: 'b' },
      { ...anonymous, account: 'b', session: 's' },
      { ...anonymous, account: 'b', actor: 'b', session: 's' },
      { ...anonymous, detail: { reason: 'account_disabled' } },
      { ...anonymous, event: 'client_token' },
      { ...anonymous, outcome: 'done' },
    ]
    expect(written([...kinds, ...kinds, ...kinds]).map(countOf)).toEqual([...kinds.map(() => 1), ...kinds.map(() => 2)])
  })

  it('writes a bounded number of entries for any number of accounts, too', () => {
    const flood = Array.from({ length: 5000 }, (_, n) => ({ ...anonymous, account: `account ${n}` }))
    const entries = written([...flood, ...flood])
    expect(entries.length).toBeLessThanOrEqual(1024 * 2 + 1)
    expect(entries.reduce((sum, entry) => sum + countOf(entry), 0)).toBe(10_000)
    expect(entries.at(-1)).toMatchObject({ account: null, detail: { accounts: 'several' } })
  })

  it('counts every event exactly once, in any order of events, windows and failed writes', () => {
    const event = fc.record({
      account: fc.constantFrom(null, 'a', 'b'),
      address: fc.constantFrom('192.0.2.1', '192.0.2.2', '2001:db8::1'),
      fails: fc.boolean(),
      ms: fc.constantFrom(0, 1000, tallyWindowMs),
      take: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        const tally = new AuditTally()
        let now = 0
        let total = 0
        for (const { account, address, fails, ms, take } of events) {
          now += ms
          const entry = { ...anonymous, account, address }
          if (tally.isFirst(entry, at(now))) {
            if (fails) tally.count(entry, at(now))
            else total += 1
          }
          if (take) total += tally.take('ended', at(now)).reduce((sum, taken) => sum + countOf(taken), 0)
        }
        total += tally.take('all', at(now)).reduce((sum, taken) => sum + countOf(taken), 0)
        expect(total).toBe(events.length)
      }),
    )
  })
})
