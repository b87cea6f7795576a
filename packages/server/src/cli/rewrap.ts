import type { Command } from 'commander'
import { Keyring } from 'latchkey'
import { countUnderOlderKeys } from '../admin/key-inventory.js'
import { quantity } from '../quantity.js'
import type { CommandContext } from './command-context.js'
import { interrupted, interruption } from './terminal/interruption.js'
import { jsonOption, print } from './terminal/print.js'
import { Progress } from './terminal/progress.js'
import { withService } from './with-service.js'

/** Adds `latchkey secrets rewrap`. */
export function addRewrap(parent: Command, context: CommandContext): void {
  parent
    .command('rewrap')
    .description('encrypt all secrets with the newest master key; the older keys are not needed afterwards')
    .option(...jsonOption)
    .action((options: { json?: boolean }) =>
      withService(context, async (service) => {
        const { newestId } = Keyring.parse(service.database.masterKeys)
        const progress = new Progress(context, {
          label: 'rewrap',
          unit: 'values',
          total: await countUnderOlderKeys(service.store, newestId),
        })
        const signal = interruption(context)
        const moved = await service.keys.rewrap({ signal, onProgress: (done) => progress.update(done) })
        progress.end()
        if (signal.aborted)
          throw interrupted(`${quantity(moved, 'values')} encrypted again.`, 'Run the command again to go on.')
        const text = `${quantity(moved, 'values')} encrypted again; all are encrypted with master key ${newestId}.`
        print({ json: { moved, master_key_id: newestId }, text }, options, context)
      }),
    )
}
