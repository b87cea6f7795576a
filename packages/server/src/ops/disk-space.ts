import { statfs } from 'node:fs/promises'
import type { App } from '../http/app.js'

/** Returns the free bytes of the disk of a folder. */
export type FreeBytes = (folder: string) => Promise<number>

/** A disk with fewer free bytes counts as full. */
export const minFreeBytes = 100_000_000

/** Reads the free bytes from the operating system. */
export const freeBytes: FreeBytes = async (folder) => {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize
}

/**
 * Returns a function that returns whether the disk of a folder is full, and logs each time that it
 * becomes full.
 */
export function watchDisk(folder: string, free: FreeBytes, log: App['log']): () => Promise<boolean> {
  let wasFull = false
  return async () => {
    // An unknown size is not reported as a full disk.
    const bytes = await free(folder).catch(() => Number.POSITIVE_INFINITY)
    const isFull = bytes < minFreeBytes
    if (isFull && !wasFull)
      log.warn(
        { folder, free: bytes },
        'The disk of the database is almost full, so changes may fail: free some space.',
      )
    wasFull = isFull
    return isFull
  }
}
