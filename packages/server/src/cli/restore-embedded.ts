import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Keyring } from 'latchkey'
import type { Configuration, DatabaseConfiguration } from '../config/configuration.js'
import { type CopiedData, copyDataFile, copyFailure } from '../database/copy-data-file.js'
import { type DataFolder, holdsDatabase, openDataFolder } from '../database/data-folder.js'
import { findMasterKeys } from '../database/master-keys/file-keys.js'
import { givenKeys } from '../database/master-keys/given-keys.js'
import { publishFile, writePrivateFile } from '../database/private-file.js'
import { StartupFailure } from '../startup-failure.js'
import type { CommandContext } from './command-context.js'
import { interrupted } from './terminal/interruption.js'
import { Progress } from './terminal/progress.js'

/** The files of a backup. */
export interface BackupFiles {
  readonly file: string
  /** The copy of the master key; `undefined`: the key is in the environment or in the folder. */
  readonly masterKeyFile: string | undefined
}

/** The target of a restore. */
export interface RestoreTarget {
  readonly configuration: Configuration
  readonly database: DatabaseConfiguration & { readonly kind: 'embedded' }
  /**
   * Prepares the restored database of this configuration for use; returns the number of revoked
   * tenants.
   */
  readonly settle: (configuration: Configuration) => Promise<number>
  readonly signal: AbortSignal
  readonly context: CommandContext
}

/**
 * Restores a backup into the data folder. It works in a temporary folder and moves the database
 * into place last, so that an interruption leaves a complete database or none.
 *
 * @throws StartupFailure `restore_target_exists`, `backup_unusable`
 * @throws LatchkeyError `master_key_missing`, `master_key_wrong`, `schema_too_new`
 */
export async function restoreEmbedded(from: BackupFiles, target: RestoreTarget): Promise<number> {
  const { configuration, database, settle } = target
  checkBackup(from.file)
  const folder = openDataFolder(database.folder)
  checkEmpty(folder)
  const masterKeys = await masterKeysFor(from, folder, database)
  const draft = mkdtempSync(join(folder.path, '.restore-'))
  try {
    const draftFolder = openDataFolder(draft)
    const data = await copyBackup(from.file, draftFolder.databasePath, target)
    checkKeys(data, masterKeys)
    const revoked = await settle({ ...configuration, database: { kind: 'embedded', folder: draft, masterKeys } })
    if (database.masterKeys === undefined) writePrivateFile(folder.masterKeyPath, `${masterKeys}\n`)
    if (!publishFile(draftFolder.databasePath, folder.databasePath)) throw targetExists(folder.databasePath)
    return revoked
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
}

/** SQLite would treat an empty file as a new database. */
function checkBackup(file: string): void {
  if (!(existsSync(file) && statSync(file).size > 0)) throw unusable(`There is no backup in ${file}.`)
}

/** SQLite would apply a log that another database has left in the folder. */
function checkEmpty(folder: DataFolder): void {
  if (holdsDatabase(folder)) throw targetExists(folder.databasePath)
  const left = ['-wal', '-journal'].map((suffix) => `${folder.databasePath}${suffix}`).find((path) => existsSync(path))
  if (left !== undefined) throw targetExists(left)
}

async function copyBackup(file: string, to: string, { signal, context }: RestoreTarget): Promise<CopiedData> {
  const progress = new Progress(context, { label: 'read the backup', unit: 'bytes', total: statSync(file).size })
  try {
    return await copyDataFile(file, to, { signal, onProgress: (done) => progress.update(done) })
  } catch (error) {
    if (signal.aborted) throw interrupted('Nothing was restored.', 'Run the command again.')
    throw unusable('The backup cannot be read.', copyFailure(error))
  } finally {
    progress.end()
  }
}

/** Returns the master keys of the environment, else of the copied key, else of the folder. */
async function masterKeysFor(
  { masterKeyFile }: BackupFiles,
  { masterKeyPath }: DataFolder,
  database: RestoreTarget['database'],
): Promise<string> {
  const given = database.masterKeys === undefined ? undefined : await givenKeys(database.masterKeys).read()
  const inFolder = findMasterKeys(masterKeyPath)
  const copied = masterKeyFile === undefined ? undefined : findMasterKeys(resolve(masterKeyFile))
  if (copied !== undefined && (given ?? inFolder ?? copied) !== copied) {
    const hint = 'Restore into another folder, or without --with-master-key.'
    throw new StartupFailure('command_refused', 'The folder already has another master key.', hint)
  }
  const found = given ?? copied ?? inFolder
  if (found === undefined) {
    const hint = 'Name the copy of the key with --with-master-key, or set LATCHKEY_MASTER_KEYS.'
    throw new StartupFailure('master_key_file_missing', 'The master key of the backup is missing.', hint)
  }
  return found
}

function checkKeys({ masterKeyIds }: CopiedData, masterKeys: string): void {
  const keyring = Keyring.parse(masterKeys)
  const missing = masterKeyIds.filter((id) => !keyring.has(id))
  if (missing.length === 0) return
  throw unusable(`The backup is encrypted with master key ${missing.join(', ')}, which is missing here.`)
}

function targetExists(path: string): StartupFailure {
  const hint = 'Set LATCHKEY_DATA_DIR to a new folder, or move the database away. Nothing was changed.'
  return new StartupFailure('restore_target_exists', `${path} already exists.`, hint)
}

function unusable(message: string, cause?: unknown): StartupFailure {
  return new StartupFailure('backup_unusable', message, 'Nothing was restored; try another backup.', cause)
}
