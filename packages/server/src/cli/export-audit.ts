import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Command } from 'commander'
import { type ExportedRecord, exportAudit } from '../audit/export-audit.js'
import type { Surroundings } from './surroundings.js'
import { parseTime } from './terminal/parse-option.js'
import { withService } from './with-service.js'

interface Period {
  readonly since?: number
  readonly until?: number
}

/** `latchkey audit export`: the audit log as JSON lines on standard output, oldest first. */
export function addExportAudit(parent: Command, surroundings: Surroundings): void {
  parent
    .command('export')
    .description('print the log as JSON lines, oldest first')
    .option('--since <time>', 'only what happened at this time or later', parseTime)
    .option('--until <time>', 'only what happened before this time', parseTime)
    .action(({ since, until }: Period) =>
      withService(surroundings, async ({ store }) => {
        const lines = Readable.from(linesOf(exportAudit(store, { since, until })))
        try {
          await pipeline(lines, surroundings.stdout, { end: false })
        } catch (error) {
          // Whoever reads has seen enough.
          if (!isClosedPipe(error)) throw error
        }
      }),
    )
}

async function* linesOf(records: AsyncIterable<ExportedRecord>): AsyncGenerator<string> {
  for await (const record of records) yield `${JSON.stringify({ ...record, at: new Date(record.at).toISOString() })}\n`
}

function isClosedPipe(error: unknown): boolean {
  return (
    error instanceof Error && 'code' in error && (error.code === 'EPIPE' || error.code === 'ERR_STREAM_PREMATURE_CLOSE')
  )
}
