import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import type { Administration } from '../admin/administration.js'
import { decodeDetail } from '../audit/audit-detail.js'
import type { AuditRecord } from '../audit/audit-record.js'
import type { CommandContext } from './command-context.js'
import { interruption } from './terminal/interruption.js'
import { wholeFrom } from './terminal/parse-option.js'
import { printable, timeText } from './terminal/print.js'
import { jsonLinesOption, type ListFormat, printList } from './terminal/print-list.js'
import { withService } from './with-service.js'

interface TailOptions {
  readonly lines: number
  readonly follow?: boolean
  readonly json?: boolean
}

const maxLines = 1000
const pollMs = 1000

/** Servers commit their entries in another order than they number them, so each poll looks back. */
const overlapMs = 10_000

/** Adds `latchkey audit tail`. */
export function addTailAudit(parent: Command, context: CommandContext): void {
  parent
    .command('tail')
    .description('print the newest entries of the log, oldest first')
    .option('--lines <number>', 'number of entries', wholeFrom(1, maxLines), 20)
    .option('--follow', 'go on with new entries until Ctrl-C')
    .option(...jsonLinesOption)
    .action((options: TailOptions) =>
      withService(context, ({ administration }) => {
        const stop = options.follow === true ? interruption(context) : AbortSignal.abort()
        return printList(entries(administration, options.lines, stop), format, { options, context })
      }),
    )
}

/** Reads the newest entries, and then those that are added until `stop`, at most 1,000 a second. */
async function* entries(
  administration: Administration,
  lines: number,
  stop: AbortSignal,
): AsyncGenerator<readonly AuditRecord[]> {
  const read = async (since?: number) =>
    (await administration.readAudit({ before: undefined, since, limit: maxLines })).items
  let seen = await read()
  yield seen.slice(0, lines).toReversed()
  while (!stop.aborted) {
    await sleep(pollMs, undefined, { signal: stop }).catch(() => {})
    const known = new Set(seen.map(({ id }) => id))
    seen = await read(Math.max(0, (seen[0]?.at ?? 0) - overlapMs))
    yield seen.filter(({ id }) => !known.has(id)).toReversed()
  }
}

const format: ListFormat<AuditRecord> = {
  titles: ['TIME', 'EVENT', 'OUTCOME', 'ACTOR', 'ACCOUNT', 'ADDRESS', 'DETAIL'],
  cells: ({ at, event, outcome, actor, account, address, detail }) => [
    timeText(at),
    event,
    outcome,
    actor ?? '-',
    account ?? '-',
    address ?? '-',
    detail === null ? '-' : printable(detail),
  ],
  json: ({ at, detail, ...record }) => ({ ...record, at: timeText(at), detail: decodeDetail(detail) }),
  whenEmpty: 'The audit log is empty: it begins with the first sign-up or change.',
}
