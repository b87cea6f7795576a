import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs'
import { Keyring } from 'latchkey'
import { StartupFailure } from '../../startup-failure.js'
import { type DataFolder, holdsDatabase } from '../data-folder.js'
import { writePrivateFile } from '../private-file.js'
import type { MasterKeyProvider } from './master-key-provider.js'

/** Keys that stand in the data folder beside the embedded database. */
export function fileKeys(folder: DataFolder): MasterKeyProvider {
  return { place: folder.masterKeyPath, read: async () => readMasterKeyFile(folder) }
}

/**
 * The master keys of the folder's file, which is made when there is none and no database either. Throws
 * `master_key_file_missing` when there is a database: a new key would not open it, and would look as if everything were in order.
 */
function readMasterKeyFile(folder: DataFolder): string {
  // Asked first: whoever makes both makes the key before the database.
  const database = holdsDatabase(folder)
  const known = findMasterKeys(folder.masterKeyPath)
  if (known !== undefined) return known
  if (database) {
    throw new StartupFailure(
      'master_key_file_missing',
      `There is a database in ${folder.path}, but its master.key is gone; without it no stored secret can be read.`,
      'Put the file back from a backup, or give its content as LATCHKEY_MASTER_KEYS. Nothing was changed.',
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

/** The master keys in a file that only its owner may read; `undefined` when there is no such file. Throws `master_key_file_exposed`, `master_key_file_malformed`. */
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
  // Windows has no such bits and reports them all.
  if (process.platform === 'win32' || (mode & 0o077) === 0) return
  throw new StartupFailure(
    'master_key_file_exposed',
    `Other users of this machine may read ${path}.`,
    `Run: chmod 600 ${path}   If they may have read it, replace the key as well.`,
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
      `${path} does not hold master keys: ${error instanceof Error ? error.message : ''}`,
      'Put the file back from a backup: one "id:base64url" per line, newest first. Nothing was changed.',
    )
  }
}

function unusable(error: unknown, path: string): StartupFailure {
  return new StartupFailure(
    'data_folder_unusable',
    `${path} cannot be read or made: ${error instanceof Error ? error.message : ''}`,
    'Give this user the right to read and write it.',
  )
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
