import { decodeDetail } from './audit-detail.js'
import type { ExportedRecord } from './export-audit.js'

/** The formats of an export. */
export const auditFormats = ['ndjson', 'csv'] as const

/** A format of an export. */
export type AuditFormat = (typeof auditFormats)[number]

const columns = [
  'id',
  'at',
  'event',
  'outcome',
  'actor',
  'account',
  'session',
  'address',
  'detail',
  'seq',
  'link',
  'tag',
] as const satisfies readonly (keyof ExportedRecord)[]

/** Lines that are written together. */
const linesPerChunk = 250

/** Returns an entry as one line of JSON. */
export function auditJsonLine(record: ExportedRecord): string {
  const [at, detail] = [new Date(record.at).toISOString(), decodeDetail(record.detail)]
  return `${JSON.stringify({ ...record, at, detail })}\n`
}

/** Returns an entry as one line of CSV (RFC 4180). */
export function auditCsvLine(record: ExportedRecord): string {
  const cells = columns.map((name) => (name === 'at' ? new Date(record.at).toISOString() : record[name]))
  return `${cells.map(csvCell).join(',')}\r\n`
}

/** Yields entries as text in a format, a few hundred lines at a time. */
export async function* auditChunks(
  records: AsyncIterable<ExportedRecord>,
  format: AuditFormat,
): AsyncGenerator<string> {
  const lineOf = format === 'csv' ? auditCsvLine : auditJsonLine
  let chunk = format === 'csv' ? `${columns.join(',')}\r\n` : ''
  let lines = 0
  for await (const record of records) {
    chunk += lineOf(record)
    lines += 1
    if (lines % linesPerChunk !== 0) continue
    yield chunk
    chunk = ''
  }
  if (chunk !== '') yield chunk
}

/**
 * Returns a value as a quoted cell. A spreadsheet takes a text that begins with one of these
 * characters as a formula, so an apostrophe precedes it (OWASP, "CSV Injection").
 */
function csvCell(value: string | number | null | undefined): string {
  const text = String(value ?? '')
  const safe = typeof value === 'string' && /^[=+\-@\t\r\n＝＋－＠]/.test(text) ? `'${text}` : text
  return `"${safe.replaceAll('"', '""')}"`
}
