import { statfs } from 'node:fs/promises'
import type { App } from '../http/app.js'

/** Returns how many bytes may still be written to the disk of a folder. */
export type FreeBytes = (folder: string) => Promise<number>

/** With less than this a disk is as good as full. */
export const minFreeBytes = 100_000_000

/** Asks the system. */
export const freeBytes: FreeBytes = async (folder) => {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize
}

/** Returns what says whether the disk of a folder is full. It is logged each time that this begins. */
export function watchDisk(folder: string, free: FreeBytes, log: App['log']): () => Promise<boolean> {
  let wasFull = false
  return async () => {
    // What cannot be found out is no reason to warn.
    const bytes = await free(folder).catch(() => Number.POSITIVE_INFINITY)
    const isFull = bytes < minFreeBytes
    if (isFull && !wasFull) log.warn({ folder, free: bytes }, 'The disk of the database is full: changes may fail.')
    wasFull = isFull
    return isFull
  }
}
