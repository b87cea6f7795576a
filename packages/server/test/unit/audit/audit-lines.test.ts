import { describe, expect, it } from 'vitest'
import { auditChunks, auditCsvLine } from '../../../src/audit/audit-lines.js'
import type { ExportedRecord } from '../../../src/audit/export-audit.js'

const record: ExportedRecord = {
  id: '01890000-0000-7000-8000-000000000000',
  at: 0,
  event: 'login',
  outcome: 'done',
  actor: 'a1',
  account: 'a1',
  session: null,
  address: '192.0.2.1',
  detail: '{"reason":"a \\"word\\", and more"}',
  tag: 'tag',
  seq: 7,
  link: 'link',
}

async function* records(count: number): AsyncGenerator<ExportedRecord> {
  for (let n = 0; n < count; n += 1) yield record
}

async function all(chunks: AsyncIterable<string>): Promise<string[]> {
  const found: string[] = []
  for await (const chunk of chunks) found.push(chunk)
  return found
}

describe('an export of the audit log as CSV', () => {
  it.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', '\n=1', '＝1', '＋1', '－1', '＠A'])(
    'leaves no formula for a spreadsheet: %j',
    (text) => {
      const [cell] = /"(?=')[^"]*"/.exec(auditCsvLine({ ...record, actor: text })) ?? []
      expect(cell).toBe(`"'${text}"`)
    },
  )

  it('does so for the link of the chain, which is base64url and may begin with a hyphen', () => {
    expect(auditCsvLine({ ...record, link: '-abc' })).toContain(`"'-abc"`)
  })

  it('quotes every value, and keeps quotes, commas and line breaks in it', () => {
    expect(auditCsvLine({ ...record, address: 'a"b,c\r\nd' })).toContain('"a""b,c\r\nd"')
    expect(auditCsvLine(record)).toMatch(/^"01890000-[^"]+","1970-01-01T00:00:00.000Z","login","done",.*,"7",.*\r\n$/)
  })

  it('begins with the names of the columns, also without any entry', async () => {
    const chunks = await all(auditChunks(records(0), 'csv'))
    expect(chunks.join('')).toBe('id,at,event,outcome,actor,account,session,address,detail,seq,link,tag\r\n')
  })
})

describe('a long export', () => {
  it('is made of short texts, so that it needs little memory', async () => {
    const chunks = await all(auditChunks(records(2600), 'ndjson'))
    expect(Math.max(...chunks.map(({ length }) => length))).toBeLessThan(200_000)
    const lines = chunks.join('').trimEnd().split('\n')
    expect([lines.length, JSON.parse(lines[0] ?? '').detail]).toEqual([2600, { reason: 'a "word", and more' }])
  })
})
