import type { Command } from 'commander'
import { readConfiguration } from '../config/configuration.js'
import { openDatabase } from '../database/open-database.js'
import type { CommandContext } from './command-context.js'
import { jsonOption, print } from './terminal/print.js'

/**
 * Adds `latchkey migrate`. A deployment runs it once, before the servers start. Running it again,
 * or several times at once, does no harm. Indexes of large tables are built beside running servers.
 */
export function addMigrate(parent: Command, context: CommandContext): void {
  parent
    .command('migrate')
    .description('migrate the database to the schema of this version')
    .option(...jsonOption)
    .action(async (options: { json?: boolean }) => {
      const { database } = readConfiguration(context.env)
      const { store, place, buildIndexes } = await openDatabase(database)
      // Here, because the role of the servers may not be allowed to create indexes.
      await buildIndexes(new AbortController().signal).finally(() => store.close())
      print({ json: { place }, text: `The schema of ${place} is that of this version.` }, options, context)
    })
}
