import { existsSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import type { DatabaseConfiguration } from '../../config/configuration.js'
import { quantity } from '../../quantity.js'
import { type FreeBytes, freeBytes, minFreeBytes } from '../disk-space.js'
import { type Finding, fail, ok, warn } from './finding.js'

const fewBytes = 1_000_000_000

/** Checks the permissions and the free space of the data folder; with PostgreSQL there is none. */
export async function checkFolder(database: DatabaseConfiguration): Promise<Finding[]> {
  if (database.kind === 'postgres') return []
  const folder = resolve(database.folder)
  if (!existsSync(folder)) return [ok('data folder', `${folder} does not exist yet; "latchkey serve" creates it`)]
  return [checkMode(folder), await checkSpace(folder)]
}

function checkMode(folder: string): Finding {
  const files = ['', '/latchkey.db', '/latchkey.db-wal', '/master.key'].map((name) => `${folder}${name}`)
  // Windows has no such bits and reports all of them.
  const isOpen = (path: string) => process.platform !== 'win32' && (statSync(path).mode & 0o077) !== 0
  const exposed = files.filter((path) => existsSync(path) && isOpen(path))
  if (exposed.length === 0) return ok('data folder', `only the owner can read ${folder}`)
  return fail('data folder', `other users can read ${exposed.join(', ')}`, `Run: chmod go-rwx ${exposed.join(' ')}`)
}

/** Checks the free space of the disk of a folder. */
export async function checkSpace(folder: string, readFree: FreeBytes = freeBytes): Promise<Finding> {
  const free = await readFree(folder)
  const detail = `${quantity(free, 'bytes')} free`
  const remedy = 'Free disk space: with a full disk, sign-ins and revocations fail.'
  if (free < minFreeBytes) return fail('disk', detail, remedy)
  return free < fewBytes ? warn('disk', detail, remedy) : ok('disk', detail)
}
