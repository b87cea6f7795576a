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

/** A name beside the file for what is not whole yet. */
export function draftOf(path: string): string {
  return `${path}.${randomUUID()}`
}

/** Writes a file that only its owner may read, unless there is one; whether it did. A file of that name is whole at any moment, also after a power failure. */
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

/** Gives a finished draft its name, unless something has that name: of two processes at once one wins. The draft is gone afterwards; whether it was published. */
export function publishFile(draft: string, path: string): boolean {
  try {
    sync(draft)
    linkSync(draft, path)
    // Without this the name could be lost in a power failure.
    sync(dirname(path))
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    // Not every file system has links; two processes at once are then told apart a moment less well.
    if (!/^(EPERM|ENOTSUP|EOPNOTSUPP|ENOSYS)$/.test(codeOf(error)) || existsSync(path)) throw error
    renameSync(draft, path)
    return true
  } finally {
    if (existsSync(draft)) unlinkSync(draft)
  }
}

/** Removes a draft and what a database leaves beside it. */
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
