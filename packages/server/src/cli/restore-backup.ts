import { resolve } from 'node:path'
import type { Command } from 'commander'
import { type SettleOptions, settleRestored } from '../admin/settle-restored.js'
import { type Configuration, type DatabaseConfiguration, readConfiguration } from '../config/configuration.js'
import { currentOf } from '../config/setting-files.js'
import { awaitUnused } from '../database/await-unused.js'
import { emptySharedCache } from '../database/empty-shared-cache.js'
import { asDatabaseFailure, openStore } from '../database/open-database.js'
import { quantity } from '../quantity.js'
import { openService } from '../service.js'
import { StartupFailure } from '../startup-failure.js'
import type { CommandContext } from './command-context.js'
import { restoreEmbedded } from './restore-embedded.js'
import { confirm, yesOption } from './terminal/confirm.js'
import { interrupted, interruption } from './terminal/interruption.js'
import { jsonOption, print } from './terminal/print.js'
import { Progress } from './terminal/progress.js'

interface RestoreOptions {
  readonly withMasterKey?: string
  readonly keepTokens?: boolean
  readonly yes?: boolean
  readonly json?: boolean
}

/**
 * Adds `latchkey backup restore [file]`. A backup does not contain revocations that were made after
 * it, so all tokens are revoked unless `--keep-tokens` is given.
 */
export function addRestoreBackup(parent: Command, context: CommandContext): void {
  parent
    .command('restore')
    .description(
      'restore a backup into a data folder without a database, and end all sessions and tokens; with PostgreSQL, run it after pg_restore and before a server starts',
    )
    .argument('[file]', 'the backup; omitted with PostgreSQL')
    .option('--with-master-key <file>', 'the copy of the master key, for a folder that has none')
    .option('--keep-tokens', 'keep sessions and tokens valid, including those that were ended after the backup')
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

/** Returns the number of revoked tenants. */
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
    if (redisUrl !== undefined) await emptySharedCache(currentOf(redisUrl))
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

/**
 * Waits until no server uses the database. It runs before the service opens, which takes a lease
 * itself.
 */
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

/**
 * Opens the database without the shared cache, which other processes may still write to, and
 * settles it.
 */
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
  if (database.kind === 'postgres' && file === undefined) return new URL(currentOf(database.url)).pathname.slice(1)
  throw new StartupFailure(
    'command_refused',
    file === undefined ? 'The command names no backup.' : 'This command does not restore PostgreSQL from a file.',
    file === undefined
      ? 'Name the file that "latchkey backup create" wrote.'
      : 'Run pg_restore, as docs/guides/operations.md shows, and then "latchkey backup restore" without a file.',
  )
}

function question(place: string, { keepTokens }: RestoreOptions): string {
  const ends = keepTokens === true ? 'Sessions and tokens stay valid' : 'All sessions and tokens end'
  return `Restore into ${place}? ${ends}; no server may run meanwhile.`
}

function describe(place: string, revoked: number, { keepTokens }: RestoreOptions): string {
  if (keepTokens !== true)
    return `Restored ${place}; ${quantity(revoked, 'tenants')} revoked: all users must sign in again.`
  return `Restored ${place}. Tokens that were revoked after the backup are valid again until they expire.`
}
