import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type ExportedRecord, exportAudit } from '../audit/export-audit.js'
import { readConfiguration } from '../config/configuration.js'
import { openService } from '../service.js'
import { StartupFailure } from '../startup-failure.js'
import type { Surroundings } from './surroundings.js'

/** Options of `latchkey audit export`: RFC 3339 times or dates. */
export interface ExportAuditCommand {
  readonly since?: string
  readonly until?: string
}

/** `latchkey audit export`: the audit log as JSON lines on standard output, oldest first. */
export async function exportAuditLog(command: ExportAuditCommand, { env, stdout }: Surroundings): Promise<void> {
  const configuration = readConfiguration(env)
  const period = { since: parseTime('--since', command.since), until: parseTime('--until', command.until) }
  const service = await openService(configuration)
  try {
    await pipeline(Readable.from(linesOf(exportAudit(service.store, period))), stdout, { end: false })
  } catch (error) {
    // Whoever reads has seen enough.
    if (!isClosedPipe(error)) throw error
  } finally {
    await service.close()
  }
}

async function* linesOf(records: AsyncIterable<ExportedRecord>): AsyncGenerator<string> {
  for await (const record of records) yield `${JSON.stringify({ ...record, at: new Date(record.at).toISOString() })}\n`
}

function parseTime(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const ms = /^\d{4}-\d\d-\d\d(T|$)/.test(text) ? Date.parse(text) : Number.NaN
  if (ms >= 0) return ms
  const hint = 'Give a date such as 2026-01-31, or a time such as 2026-01-31T12:00:00Z.'
  throw new StartupFailure('command_refused', `${option} is no time.`, hint)
}

function isClosedPipe(error: unknown): boolean {
  return (
    error instanceof Error && 'code' in error && (error.code === 'EPIPE' || error.code === 'ERR_STREAM_PREMATURE_CLOSE')
  )
}
