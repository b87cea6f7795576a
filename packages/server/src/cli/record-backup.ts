import type { Command } from 'commander'
import { recordBackup } from '../ops/last-backup.js'
import type { CommandContext } from './command-context.js'
import { jsonOption, print } from './terminal/print.js'
import { withService } from './with-service.js'

/**
 * Adds `latchkey backup record`, for backups that this program did not make, such as those of
 * pg_dump.
 */
export function addRecordBackup(parent: Command, context: CommandContext): void {
  parent
    .command('record')
    .description(
      'record that another program, such as pg_dump, has just completed a backup; the metric and the alert of its age use it',
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
