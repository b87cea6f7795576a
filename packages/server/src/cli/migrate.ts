import type { Command } from 'commander'
import { readConfiguration } from '../config/configuration.js'
import { openDatabase } from '../database/open-database.js'
import type { CommandContext } from './command-context.js'
import { jsonOption, print } from './terminal/print.js'

/**
 * `latchkey migrate`: brings the database up to this version and ends, so that a deployment can do it once, before the servers start.
 * Running twice, or several at once, is harmless.
 */
export function addMigrate(parent: Command, context: CommandContext): void {
  parent
    .command('migrate')
    .description('bring the database up to this version, and end')
    .option(...jsonOption)
    .action(async (options: { json?: boolean }) => {
      const { database } = readConfiguration(context.env)
      const { store, place } = await openDatabase(database)
      await store.close()
      print({ json: { place }, text: `The tables in ${place} are those of this version.` }, options, context)
    })
}
