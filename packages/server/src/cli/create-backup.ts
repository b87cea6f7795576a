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
import { quantity } from '../quantity.js'
import { StartupFailure } from '../startup-failure.js'
import type { CommandContext } from './command-context.js'
import { interrupted, interruption } from './terminal/interruption.js'
import { jsonOption, print } from './terminal/print.js'
import { Progress } from './terminal/progress.js'

interface BackupOptions {
  readonly withMasterKey?: string
  readonly json?: boolean
}

/** Adds `latchkey backup create <file>`. The copy is verified before it gets its name. */
export function addCreateBackup(parent: Command, context: CommandContext): void {
  parent
    .command('create')
    .description('copy a snapshot of the embedded database, beside a running server, and verify the copy')
    .argument('<file>', 'the new file; only its owner can read it, and an existing file is never overwritten')
    .option('--with-master-key <file>', 'copy the master key to this file as well; keep the two files apart')
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

/**
 * Records the backup for the metric of its age. The copy is complete either way, so a failure is a
 * warning.
 */
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

/** Copies the database under a temporary name, and renames the copy once it is complete. */
async function copyTo(file: string, folder: DataFolder, context: CommandContext): Promise<CopiedData> {
  const draft = draftOf(file)
  const total = sizeOf(folder.databasePath) + sizeOf(`${folder.databasePath}-wal`)
  const progress = new Progress(context, { label: 'backup', unit: 'bytes', total })
  const signal = interruption(context)
  try {
    const data = await copyDataFile(folder.databasePath, draft, { signal, onProgress: (done) => progress.update(done) })
    if (!publishFile(draft, file)) throw exists(file)
    return data
  } catch (error) {
    if (error instanceof StartupFailure) throw error
    if (signal.aborted) throw interrupted('No backup was made.', 'Run the command again.')
    const hint = 'Check the folder of the file and its free space, and run "latchkey doctor".'
    throw new StartupFailure('backup_failed', 'The database could not be copied.', hint, copyFailure(error))
  } finally {
    progress.end()
    discardDraft(draft)
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}

type EmbeddedDatabase = DatabaseConfiguration & { readonly kind: 'embedded' }

function embeddedDatabase(
  { withMasterKey }: BackupOptions,
  { env }: CommandContext,
): { readonly folder: DataFolder; readonly database: EmbeddedDatabase } {
  const { database } = readConfiguration(env)
  if (database.kind === 'postgres') {
    const hint =
      'Use pg_dump, as docs/guides/operations.md shows: pg_dump --format=custom --file latchkey.dump "$DATABASE_URL"'
    throw new StartupFailure(
      'command_refused',
      'This command copies an embedded database, but the database is PostgreSQL.',
      hint,
    )
  }
  if (withMasterKey !== undefined && database.masterKeys !== undefined) {
    const hint = 'Omit --with-master-key, and back up the place that the environment has the keys from.'
    throw new StartupFailure(
      'command_refused',
      'The master keys come from the environment, so there is no key file to copy.',
      hint,
    )
  }
  if (existsSync(database.folder)) {
    const folder = openDataFolder(database.folder)
    if (holdsDatabase(folder)) return { folder, database }
  }
  const hint = 'Set LATCHKEY_DATA_DIR to the folder that the server uses.'
  throw new StartupFailure('command_refused', `There is no database in ${resolve(database.folder)}.`, hint)
}

function exists(path: string): StartupFailure {
  return new StartupFailure(
    'backup_exists',
    `${path} already exists.`,
    'Choose another name: files are never overwritten.',
  )
}

function describe(file: string, bytes: number, data: CopiedData, keyFile: string | undefined): string {
  const facts = `${quantity(bytes, 'bytes')}, ${quantity(data.accounts, 'accounts')}, verified`
  const keys = `encrypted with master key ${data.masterKeyIds.join(', ')}`
  const beside =
    keyFile === undefined
      ? 'The master key is not in the copy: back it up as well, in another place.'
      : `The master key is in ${keyFile}. Keep the two files apart: together they allow signing in as any user.`
  return `${file}: ${facts}; ${keys}.\n${beside}`
}
