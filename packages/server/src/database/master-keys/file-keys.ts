import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs'
import { Keyring } from 'latchkey'
import { StartupFailure } from '../../startup-failure.js'
import { type DataFolder, holdsDatabase } from '../data-folder.js'
import { writePrivateFile } from '../private-file.js'
import type { MasterKeyProvider } from './master-key-provider.js'

/** Provides keys from a file in the data folder of the embedded database. */
export function fileKeys(folder: DataFolder): MasterKeyProvider {
  return { place: folder.masterKeyPath, read: async () => readMasterKeyFile(folder) }
}

/**
 * Returns the master keys in the file of the folder. Creates the file if neither it nor a database
 * exists. Throws `master_key_file_missing` if only the database exists: a new key could not open
 * its secrets.
 */
function readMasterKeyFile(folder: DataFolder): string {
  // Checked first, because a concurrent process creates the key before the database.
  const database = holdsDatabase(folder)
  const known = findMasterKeys(folder.masterKeyPath)
  if (known !== undefined) return known
  if (database) {
    throw new StartupFailure(
      'master_key_file_missing',
      `The master.key of the database in ${folder.path} is missing; without it no stored secret can be decrypted.`,
      'Restore the file from a backup, or set LATCHKEY_MASTER_KEYS to its content. Nothing was changed.',
    )
  }
  generate(folder)
  return findMasterKeys(folder.masterKeyPath) ?? ''
}

function generate({ masterKeyPath }: DataFolder): void {
  try {
    writePrivateFile(masterKeyPath, `${Keyring.generate('k1')}\n`)
  } catch (error) {
    throw unusable(error, masterKeyPath)
  }
}

/**
 * Returns the master keys in a file that only its owner may read; `undefined` if the file does not
 * exist.
 *
 * @throws StartupFailure `master_key_file_exposed`, `master_key_file_malformed`
 */
export function findMasterKeys(path: string): string | undefined {
  let file: number
  try {
    file = openSync(path, 'r')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw unusable(error, path)
  }
  try {
    checkPrivate(fstatSync(file).mode, path)
    return checkKeys(readFileSync(file, 'utf8'), path)
  } finally {
    closeSync(file)
  }
}

function checkPrivate(mode: number, path: string): void {
  // Windows has no such bits and reports all of them as set.
  if (process.platform === 'win32' || (mode & 0o077) === 0) return
  throw new StartupFailure(
    'master_key_file_exposed',
    `Other users of this machine can read ${path}.`,
    `Run: chmod 600 ${path}   If another user may have read it, replace the key as well.`,
  )
}

function checkKeys(text: string, path: string): string {
  const masterKeys = text.trim().replaceAll(/\s*\n\s*/g, ',')
  try {
    Keyring.parse(masterKeys)
    return masterKeys
  } catch (error) {
    throw new StartupFailure(
      'master_key_file_malformed',
      `${path} does not contain master keys: ${error instanceof Error ? error.message : ''}`,
      'Restore the file from a backup: one "id:base64url" per line, newest first. Nothing was changed.',
    )
  }
}

function unusable(error: unknown, path: string): StartupFailure {
  return new StartupFailure(
    'data_folder_unusable',
    `${path} cannot be read or created: ${error instanceof Error ? error.message : ''}`,
    'Allow this user to read and write it.',
  )
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
