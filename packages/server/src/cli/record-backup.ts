import type { Command } from 'commander'
import { recordBackup } from '../ops/last-backup.js'
import type { CommandContext } from './command-context.js'
import { jsonOption, print } from './terminal/print.js'
import { withService } from './with-service.js'

/**
 * `latchkey record-backup`: records that a backup was completed which this program did not make, such as one of pg_dump.
 * `latchkey backup` does so itself.
 */
export function addRecordBackup(parent: Command, context: CommandContext): void {
  parent
    .command('record-backup')
    .description(
      'record that a backup was just completed by other means, such as pg_dump, for the metric and the alert of its age',
    )
    .option(...jsonOption)
    .action((options: { json?: boolean }) =>
      withService(context, async ({ store, clock }) => {
        const nowMs = clock.now()
        await recordBackup(store, nowMs)
        const recordedAt = new Date(nowMs).toISOString()
        print({ json: { recorded_at: recordedAt }, text: `Recorded a backup at ${recordedAt}.` }, options, context)
      }),
    )
}
