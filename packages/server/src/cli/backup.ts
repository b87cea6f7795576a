import { existsSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { type DatabaseConfiguration, readConfiguration } from '../config/configuration.js'
import { type CopiedData, copyDataFile, copyFailure } from '../database/copy-data-file.js'
import { type DataFolder, holdsDatabase, openDataFolder } from '../database/data-folder.js'
import { fileKeys } from '../database/master-keys/file-keys.js'
import { openStore } from '../database/open-database.js'
import { discardDraft, draftOf, publishFile, writePrivateFile } from '../database/private-file.js'
import { recordBackup } from '../ops/last-backup.js'
import { StartupFailure } from '../startup-failure.js'
import type { CommandContext } from './command-context.js'
import { interrupted, interruption } from './terminal/interruption.js'
import { jsonOption, print } from './terminal/print.js'
import { Progress, quantity } from './terminal/progress.js'

interface BackupOptions {
  readonly withMasterKey?: string
  readonly json?: boolean
}

/** `latchkey backup <file>`: a copy of the embedded database as it stands at one moment, beside a running server; verified before it gets its name. */
export function addBackup(parent: Command, context: CommandContext): void {
  parent
    .command('backup')
    .description('copy the embedded database as it is at this moment, beside a running server, and verify the copy')
    .argument('<file>', 'the file to make, readable by its owner alone; never overwritten')
    .option('--with-master-key <file>', 'copy the master key as well, to this file; keep the two apart')
    .option(...jsonOption)
    .action((file: string, options: BackupOptions) => backup(resolve(file), options, context))
}

async function backup(file: string, options: BackupOptions, context: CommandContext): Promise<void> {
  const { folder, database } = embeddedDatabase(options, context)
  const keyFile = options.withMasterKey === undefined ? undefined : resolve(options.withMasterKey)
  for (const path of [file, keyFile]) if (path !== undefined && existsSync(path)) throw exists(path)
  const data = await copyTo(file, folder, context)
  if (keyFile !== undefined && !writePrivateFile(keyFile, `${await fileKeys(folder).read()}\n`)) throw exists(keyFile)
  await record(database, context)
  const { size: bytes } = statSync(file)
  const { accounts, secrets, masterKeyIds } = data
  const json = { file, bytes, accounts, secrets, master_key_ids: masterKeyIds, master_key_file: keyFile ?? null }
  print({ json, text: describe(file, bytes, data, keyFile) }, options, context)
}

/** Records the backup for the metric of its age. The copy is whole either way, so a failure is a warning. */
async function record(database: EmbeddedDatabase, { stderr }: CommandContext): Promise<void> {
  const { store } = await openStore(database)
  try {
    await recordBackup(store, Date.now())
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    stderr.write(`The backup is complete, but its time was not recorded for latchkey_backup_age_seconds: ${reason}\n`)
  } finally {
    await store.close()
  }
}

/** The copy gets its name when it is whole. */
async function copyTo(file: string, folder: DataFolder, context: CommandContext): Promise<CopiedData> {
  const draft = draftOf(file)
  const total = statSync(folder.databasePath).size
  const progress = new Progress(context, { label: 'backup', unit: 'bytes', total })
  const signal = interruption(context)
  try {
    const data = await copyDataFile(folder.databasePath, draft, { signal, onProgress: (done) => progress.update(done) })
    if (!publishFile(draft, file)) throw exists(file)
    return data
  } catch (error) {
    if (error instanceof StartupFailure) throw error
    if (signal.aborted) throw interrupted('No backup was made.', 'Run the command again.')
    const hint = 'Check the folder of the file, the space there, and the database with "latchkey doctor".'
    throw new StartupFailure('backup_failed', 'The database could not be copied.', hint, copyFailure(error))
  } finally {
    progress.end()
    discardDraft(draft)
  }
}

type EmbeddedDatabase = DatabaseConfiguration & { readonly kind: 'embedded' }

function embeddedDatabase(
  { withMasterKey }: BackupOptions,
  { env }: CommandContext,
): { readonly folder: DataFolder; readonly database: EmbeddedDatabase } {
  const { database } = readConfiguration(env)
  if (database.kind === 'postgres') {
    const hint =
      'Use pg_dump, as docs/operations.md shows: pg_dump --format=custom --file latchkey.dump "$DATABASE_URL"'
    throw new StartupFailure('command_refused', 'This copies the embedded database; here PostgreSQL is in use.', hint)
  }
  if (withMasterKey !== undefined && database.masterKeys !== undefined) {
    const hint = 'Leave --with-master-key out, and keep a copy of where the environment has the keys from.'
    throw new StartupFailure('command_refused', 'The master keys come from the environment, not from a file.', hint)
  }
  if (existsSync(database.folder)) {
    const folder = openDataFolder(database.folder)
    if (holdsDatabase(folder)) return { folder, database }
  }
  const hint = 'Set LATCHKEY_DATA_DIR to the folder that the server uses.'
  throw new StartupFailure('command_refused', `There is no database in ${resolve(database.folder)}.`, hint)
}

function exists(path: string): StartupFailure {
  return new StartupFailure('backup_exists', `${path} exists already.`, 'Choose another name; nothing is overwritten.')
}

function describe(file: string, bytes: number, data: CopiedData, keyFile: string | undefined): string {
  const facts = `${quantity(bytes, 'bytes')}, ${quantity(data.accounts, 'accounts')}, read from end to end and whole`
  const keys = `sealed under the master key ${data.masterKeyIds.join(', ')}`
  const beside =
    keyFile === undefined
      ? 'The master key is not in it: keep a copy of that as well, in another place.'
      : `The master key is in ${keyFile}. Whoever has both files can be anybody: keep them apart.`
  return `${file}: ${facts}; ${keys}.\n${beside}`
}
