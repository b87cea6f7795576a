import { EventEmitter } from 'node:events'
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'

/** A value, or a function that reads it again from the file that holds it. */
export type Live<T> = T | (() => T)

/** Returns the value that holds now. */
export function currentOf<T extends string | readonly string[]>(live: Live<T>): T {
  return typeof live === 'function' ? live() : live
}

/** A setting that is in a file. */
export interface SettingFile<T> {
  /** The name of the setting, for messages. */
  readonly name: string
  readonly path: string
  /** Returns the typed value, or `undefined` when the text is not acceptable. */
  readonly parse: (text: string) => T | undefined
}

/** A file that cannot be used at the moment. */
export interface SettingFileProblem {
  readonly name: string
  /** The fault, without any part of the content. */
  readonly problem: string
}

/**
 * `changed`: the file of this setting has another value, which holds from now on. `unusable`: it
 * has none, so that the last one stays in use; emitted once, until the file can be used again.
 */
interface SettingFileEvents {
  changed: [name: string]
  unusable: [SettingFileProblem]
}

/** The files of settings that may change while the server runs. */
export class SettingFiles extends EventEmitter<SettingFileEvents> {
  readonly #readers: (() => unknown)[] = []

  /**
   * Returns a function that reads the file and returns its value. While the file is missing, empty
   * or half-written, it returns the last value that could be used, which is `value` at first.
   */
  open<T>({ name, path, parse }: SettingFile<T>, value: T): () => T {
    let known: string | undefined
    let current = value
    let isUsable = true
    const keep = (problem: string) => {
      if (isUsable) this.emit('unusable', { name, problem })
      isUsable = false
      return current
    }
    const read = () => {
      const text = readSettingText(path)
      if (typeof text !== 'string') return keep(text.problem)
      if (text === known) {
        isUsable = true
        return current
      }
      const next = text.includes('\0') ? undefined : parse(text)
      if (next === undefined) return keep(`the content of ${path} cannot be used`)
      const isFirst = known === undefined
      known = text
      current = next
      isUsable = true
      if (!isFirst) this.emit('changed', name)
      return current
    }
    this.#readers.push(read)
    return read
  }

  /** Reads every file, so that a change or a problem is reported before the value is needed. */
  checkAll(): void {
    for (const read of this.#readers) read()
  }
}

const maxBytes = 1024 * 1024

/**
 * Returns the content without the white space at its ends, which editors and secret managers add,
 * or the fault of the file.
 */
export function readSettingText(path: string): string | { readonly problem: string } {
  try {
    // Opening a pipe would otherwise wait for its writer.
    const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const stats = fstatSync(file)
      if (!stats.isFile()) return { problem: `${path} is not a regular file` }
      if (!(stats.size <= maxBytes)) return { problem: `${path} is larger than 1 MiB` }
      const text = readFileSync(file, 'utf8').trim()
      return text === '' ? { problem: `${path} is empty` } : text
    } finally {
      closeSync(file)
    }
  } catch (error) {
    return { problem: `the file cannot be read: ${error instanceof Error ? error.message : String(error)}` }
  }
}
