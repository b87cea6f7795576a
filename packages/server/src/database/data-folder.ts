import { accessSync, constants, existsSync, mkdirSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { StartupFailure } from '../startup-failure.js'

/** The folder of the embedded database and its files. Paths are absolute. */
export interface DataFolder {
  readonly path: string
  readonly databasePath: string
  readonly masterKeyPath: string
}

/** Returns the path of the embedded database in a data folder, whether or not it exists. */
export function databasePathIn(folder: string): string {
  return join(resolve(folder), 'latchkey.db')
}

/** Opens the folder, or creates one that only its owner can read. Throws `data_folder_unusable`. */
export function openDataFolder(path: string): DataFolder {
  const folder = resolve(path)
  try {
    makeFolder(folder)
    if (!statSync(folder).isDirectory()) throw new Error('It is not a folder.')
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (error) {
    throw new StartupFailure(
      'data_folder_unusable',
      `The data folder ${folder} cannot be used: ${reasonOf(error)}`,
      'Make it a folder that this user can read and write, or set LATCHKEY_DATA_DIR to another folder.',
    )
  }
  return { path: folder, databasePath: databasePathIn(folder), masterKeyPath: join(folder, 'master.key') }
}

// Without "recursive", which never returns if folders cannot be created at all, such as in /proc.
function makeFolder(path: string): void {
  if (existsSync(path)) return
  makeFolder(dirname(path))
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (error) {
    // Another process that starts at the same time may have created the folder.
    if (!existsSync(path)) throw error
  }
}

/** Returns whether the database may contain sealed values. */
export function holdsDatabase({ databasePath }: DataFolder): boolean {
  return existsSync(databasePath) && statSync(databasePath).size > 0
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
