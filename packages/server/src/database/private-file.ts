import { randomUUID } from 'node:crypto'
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'

/** Returns a temporary name in the folder of the file. */
export function draftOf(path: string): string {
  return `${path}.${randomUUID()}`
}

/**
 * Writes a file that only its owner may read, unless the file exists. Returns whether it was
 * written. A file with this name is always complete, also after a power failure.
 */
export function writePrivateFile(path: string, text: string): boolean {
  const draft = draftOf(path)
  const file = openSync(draft, 'wx', 0o600)
  try {
    writeSync(file, text)
  } finally {
    closeSync(file)
  }
  return publishFile(draft, path)
}

/**
 * Renames a finished draft, unless the name is taken: of two concurrent processes, one succeeds.
 * The draft is gone afterwards. Returns whether it was published.
 */
export function publishFile(draft: string, path: string): boolean {
  try {
    sync(draft)
    linkSync(draft, path)
    // Without this sync, a power failure could lose the name.
    sync(dirname(path))
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    // Not every file system has links. Without them, two concurrent processes may both publish.
    if (!/^(EPERM|ENOTSUP|EOPNOTSUPP|ENOSYS)$/.test(codeOf(error)) || existsSync(path)) throw error
    renameSync(draft, path)
    return true
  } finally {
    if (existsSync(draft)) unlinkSync(draft)
  }
}

/** Removes a draft and the files that SQLite creates beside it. */
export function discardDraft(draft: string): void {
  for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(`${draft}${suffix}`, { force: true })
}

function sync(path: string): void {
  const file = openSync(path, 'r')
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}
