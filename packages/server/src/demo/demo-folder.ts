import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { openDataFolder } from '../database/data-folder.js'
import { StartupFailure } from '../startup-failure.js'
import type { DemoAccess, DemoActors } from './seed-demo.js'

/** The data of a demo besides its database. */
export interface DemoState extends DemoAccess, DemoActors {}

const fileName = 'demo.json'

/** Says in the file that the demo is not filled yet, or which process uses it. */
interface StoredDemo {
  readonly state?: DemoState
  readonly pid: number
}

/**
 * The folder of a demo. The file `demo.json` in it marks it as one, so that a demo never writes
 * into, or deletes, a folder with the data of a server.
 */
export class DemoFolder {
  readonly path: string
  readonly #file: string

  private constructor(path: string) {
    this.path = path
    this.#file = join(path, fileName)
  }

  /**
   * Opens the folder of a demo, or creates one.
   *
   * @param isFresh - Whether an earlier demo in it is deleted.
   * @throws StartupFailure `command_refused` if it has other data, or another demo uses it
   */
  static open(path: string, isFresh: boolean): DemoFolder {
    const folder = new DemoFolder(resolve(path))
    if (existsSync(folder.path) && readdirSync(folder.path).length > 0) folder.#check()
    // A demo that was stopped while it was being filled begins again.
    if (isFresh || folder.state() === undefined) rmSync(folder.path, { recursive: true, force: true })
    openDataFolder(folder.path)
    folder.#write(folder.state())
    return folder
  }

  /** Returns the data of the demo besides its database; `undefined` until it is filled. */
  state(): DemoState | undefined {
    return this.#read()?.state
  }

  /** Records that the database is filled. */
  save(state: DemoState): void {
    this.#write(state)
  }

  #check(): void {
    const stored = this.#read()
    if (stored === undefined) {
      throw new StartupFailure(
        'command_refused',
        `${this.path} has files that are not those of a demo.`,
        'Use another folder with --folder. A demo never changes the data of a server.',
      )
    }
    if (stored.pid !== process.pid && isRunning(stored.pid)) {
      throw new StartupFailure(
        'command_refused',
        `Another demo, process ${stored.pid}, uses ${this.path}.`,
        'Stop it with Ctrl-C, or use another folder with --folder and another port with --port.',
      )
    }
  }

  #read(): StoredDemo | undefined {
    if (!existsSync(this.#file)) return undefined
    // Only `#write` writes it.
    return JSON.parse(readFileSync(this.#file, 'utf8')) as StoredDemo
  }

  /** The passwords in it open nothing but the demo; the umask of commands hides it from others. */
  #write(state: DemoState | undefined): void {
    const stored: StoredDemo = { ...(state === undefined ? {} : { state }), pid: process.pid }
    writeFileSync(this.#file, JSON.stringify(stored, null, 2), { mode: 0o600 })
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
