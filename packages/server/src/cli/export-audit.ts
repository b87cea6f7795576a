import type { Command } from 'commander'
import { auditJsonLine } from '../audit/audit-lines.js'
import { type ExportedRecord, exportAudit } from '../audit/export-audit.js'
import type { CommandContext } from './command-context.js'
import { parseTime } from './terminal/parse-option.js'
import { printLines } from './terminal/print-lines.js'
import { withService } from './with-service.js'

interface Period {
  readonly since?: number
  readonly until?: number
}

/** Adds `latchkey audit export`. */
export function addExportAudit(parent: Command, context: CommandContext): void {
  parent
    .command('export')
    .description('print the log as JSON lines, oldest first')
    .option('--since <time>', 'only entries of this time or later', parseTime)
    .option('--until <time>', 'only entries before this time', parseTime)
    .action(({ since, until }: Period) =>
      withService(context, ({ store }) => printLines(linesOf(exportAudit(store, { since, until })), context)),
    )
}

async function* linesOf(records: AsyncIterable<ExportedRecord>): AsyncGenerator<string> {
  for await (const record of records) yield auditJsonLine(record)
}
