import { resolve } from 'node:path'
import type { Command } from 'commander'
import { type SettleOptions, settleRestored } from '../admin/settle-restored.js'
import { type Configuration, type DatabaseConfiguration, readConfiguration } from '../config/configuration.js'
import { awaitUnused } from '../database/await-unused.js'
import { emptySharedCache } from '../database/empty-shared-cache.js'
import { asDatabaseFailure, openStore } from '../database/open-database.js'
import { openService } from '../service.js'
import { StartupFailure } from '../startup-failure.js'
import type { CommandContext } from './command-context.js'
import { restoreEmbedded } from './restore-embedded.js'
import { confirm, yesOption } from './terminal/confirm.js'
import { interrupted, interruption } from './terminal/interruption.js'
import { jsonOption, print } from './terminal/print.js'
import { Progress, quantity } from './terminal/progress.js'

interface RestoreOptions {
  readonly withMasterKey?: string
  readonly keepTokens?: boolean
  readonly yes?: boolean
  readonly json?: boolean
}

/**
 * `latchkey restore [file]`: puts a backup into a new data folder, or makes a PostgreSQL database fit for use that pg_restore has filled. A backup has forgotten
 * what was revoked after it was made, so that everything is revoked unless `--keep-tokens` says otherwise.
 */
export function addRestore(parent: Command, context: CommandContext): void {
  parent
    .command('restore')
    .description(
      'put a backup into a data folder that holds no database, and end every session and token; with PostgreSQL: do the latter after pg_restore, before a server runs',
    )
    .argument('[file]', 'the backup; none with PostgreSQL')
    .option('--with-master-key <file>', 'the copy of the master key, for a folder that has none')
    .option('--keep-tokens', 'let sessions and tokens live on, also those that were ended after the backup was made')
    .option(...yesOption)
    .option(...jsonOption)
    .action(async (file: string | undefined, options: RestoreOptions) => {
      const configuration = readConfiguration(context.env)
      const place = placeOf(configuration, file)
      await confirm(question(place, options), options, context)
      const revoked = await restore(file, configuration, options, context)
      const json = { place, kept_tokens: options.keepTokens === true, revoked }
      print({ json, text: describe(place, revoked, options) }, options, context)
    })
}

/** Gives how many tenants were revoked. */
async function restore(
  file: string | undefined,
  configuration: Configuration,
  options: RestoreOptions,
  context: CommandContext,
): Promise<number> {
  const progress = new Progress(context, { label: 'restore', unit: 'tenants' })
  const signal = interruption(context)
  const { database, redisUrl } = configuration
  const settle = async (restored: Configuration) => {
    if (redisUrl !== undefined) await emptySharedCache(redisUrl)
    return settleDatabase(restored, {
      keepTokens: options.keepTokens === true,
      signal,
      onProgress: (done) => progress.update(done),
    })
  }
  try {
    if (database.kind === 'postgres') {
      await checkUnused(database, signal)
      return await settle(configuration)
    }
    const from = { file: resolve(file ?? ''), masterKeyFile: options.withMasterKey }
    return await restoreEmbedded(from, { configuration, database, settle, signal, context })
  } finally {
    progress.end()
  }
}

/** Before the service is opened, which takes a lease of its own. */
async function checkUnused(database: DatabaseConfiguration, signal: AbortSignal): Promise<void> {
  const { store, place } = await openStore(database)
  try {
    await awaitUnused(store, signal)
  } catch (error) {
    throw asDatabaseFailure(place, error)
  } finally {
    await store.close()
  }
  if (signal.aborted) throw interrupted('Nothing was restored.', 'Run the command again.')
}

/** Opens the database without the shared cache, which others may still write to, and settles it. */
async function settleDatabase(configuration: Configuration, options: SettleOptions): Promise<number> {
  const service = await openService({ ...configuration, redisUrl: undefined })
  try {
    const revoked = await settleRestored(service, options)
    if (options.signal.aborted)
      throw interrupted('The restore is not complete.', 'Run it again before any server runs.')
    return revoked
  } finally {
    await service.close()
  }
}

function placeOf({ database }: Configuration, file: string | undefined): string {
  if (database.kind === 'embedded' && file !== undefined) return resolve(database.folder)
  if (database.kind === 'postgres' && file === undefined) return new URL(database.url).pathname.slice(1)
  throw new StartupFailure(
    'command_refused',
    file === undefined ? 'No backup was given.' : 'PostgreSQL is restored by its own programs.',
    file === undefined
      ? 'Name the file that "latchkey backup" made.'
      : 'Run pg_restore, as docs/operations.md shows, and then "latchkey restore" without a file.',
  )
}

function question(place: string, { keepTokens }: RestoreOptions): string {
  const ends = keepTokens === true ? 'Sessions and tokens live on' : 'Every session and every token ends'
  return `Restore into ${place}? ${ends}; no server may use it meanwhile.`
}

function describe(place: string, revoked: number, { keepTokens }: RestoreOptions): string {
  if (keepTokens !== true)
    return `Restored ${place}; ${quantity(revoked, 'tenants')} revoked: everybody signs in again.`
  return `Restored ${place}. What was revoked after the backup was made is valid again until it expires.`
}
