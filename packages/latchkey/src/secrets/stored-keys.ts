import { randomBytes } from 'node:crypto'
import { type Instant, longAgo } from '../clock.js'
import { refusal } from '../errors.js'
import type { Keyring } from '../sealing/keyring.js'
import type { SealedSetting, TenantStore } from './ports.js'

/**
 * A key that all processes on a store share, as its user has made it of 32 random bytes. It is kept
 * sealed under a master key and can be replaced while processes run, so read it at each use.
 */
export interface StoredKey<T> {
  /** The version that new values are made with. */
  readonly current: T
  /** The versions that a value may be made with: `current`, and during a replacement the next one. */
  readonly accepted: readonly T[]
  /** The version that `current` has replaced. It only names, in a refusal, what it once made. */
  readonly replaced: T | undefined
  /** Whether a replacement is ending what rests on `replaced` at this moment. */
  readonly isReplacing: boolean
}

/** Options of `StoredKeys`. */
export interface StoredKeysOptions {
  readonly store: Pick<TenantStore, 'setting' | 'readSettings'>
  readonly keyring: Keyring
  readonly lease: {
    /** Resolves once the lease is valid; `undefined` when it is. */
    ensure(): Promise<void> | undefined
    /** Returns the current instant, or `longAgo` while a read that begins now may not be cached. */
    instant(): Instant
  }
  /** Returns whether knowledge of this instant is still fresh enough to use. */
  readonly covers: (readAt: Instant) => boolean
  /** Called when a version of a key has changed. */
  readonly onChange: () => void
  readonly nowMs: () => number
}

/** Stages of a version, as the name of its row begins; the current one has the bare name. */
export const stages = ['next', 'ending', 'retired'] as const

/** Where a version stands in a replacement. */
export type KeyStage = (typeof stages)[number]

/** Milliseconds without another read after one that failed. */
const failureCooldownMs = 1000

const keyBytes = 32

/** Keys of the library itself; a process may have no use for one that others use. */
const libraryKeys = ['kid-key', 'shared-cache-key'] as const

/**
 * The keys of this store that processes share. Knowledge of them is as fresh as knowledge of tenants
 * (C4): the change feed reports each change of them, and without a recent proof they are read again.
 */
export class StoredKeys {
  readonly #options: StoredKeysOptions
  readonly #keys: LiveKey<unknown>[] = []
  #rows: ReadonlyMap<string, SealedSetting> = new Map()
  #readAt: Instant = longAgo
  #isStale = true
  #changes = 0
  #failedAt = Number.NEGATIVE_INFINITY
  #reading: Promise<void> | undefined

  constructor(options: StoredKeysOptions) {
    this.#options = options
  }

  /** Whether a change was reported that has not been read yet. */
  get isStale(): boolean {
    return this.#isStale
  }

  /** The names of all keys that this process knows of. */
  get names(): ReadonlySet<string> {
    return new Set([...libraryKeys, ...this.#keys.map(({ name }) => name)])
  }

  /** Returns the key of this name, made at its first use. Throws `master_key_missing`, `master_key_wrong`. */
  async key<T>(name: string, make: (bytes: Uint8Array) => T): Promise<StoredKey<T>> {
    if (this.#isStale) await this.#read()
    if (!this.#rows.has(name)) {
      await this.#options.store.setting(name, () => this.seal(name, randomBytes(keyBytes)))
      await this.#read()
    }
    const key = new LiveKey(name, make, this.#open)
    this.#keys.push(key)
    return key
  }

  /** A key was replaced, or may have been. */
  invalidate(): void {
    this.#changes += 1
    this.#isStale = true
  }

  /** Resolves once the keys are known as of now; `undefined` when they are. Fails with `store_unavailable`. */
  ensure(): Promise<void> | undefined {
    if (!this.#isStale && this.#options.covers(this.#readAt)) return undefined
    // A flood of forged kids while the store is away costs one attempt in this time (C2).
    const hasJustFailed = Math.abs(this.#options.nowMs() - this.#failedAt) < failureCooldownMs
    if (hasJustFailed && this.#reading === undefined) return Promise.reject(refusal('store_unavailable'))
    return this.#read()
  }

  /** The bytes as a row of this name keeps them. */
  seal(name: string, bytes: Uint8Array): SealedSetting {
    return { name, ...this.#options.keyring.seal(bytes, ['setting', name]) }
  }

  /** The bytes of a row. Throws `master_key_missing`, `master_key_wrong`. */
  open(row: SealedSetting): Buffer {
    return this.#options.keyring.open(row, ['setting', row.name])
  }

  readonly #open = (name: string): Buffer | undefined => {
    const row = this.#rows.get(name)
    return row === undefined ? undefined : this.open(row)
  }

  #read(): Promise<void> {
    this.#reading ??= this.#readAll()
      .catch((error: unknown) => {
        this.#failedAt = this.#options.nowMs()
        throw error
      })
      .finally(() => {
        this.#reading = undefined
      })
    return this.#reading
  }

  async #readAll(): Promise<void> {
    const { store, lease } = this.#options
    let changes: number
    do {
      // Not waited for: an open transaction of the caller may hold what the lease has to write. Rows
      // that are read without a lease count for this call alone.
      lease.ensure()?.catch(() => {})
      changes = this.#changes
      const readAt = lease.instant()
      const rows = await store.readSettings()
      this.#rows = new Map(rows.map((row) => [row.name, row]))
      this.#readAt = readAt
      // One that was overtaken by a change is read again.
    } while (changes !== this.#changes)
    const hasChanged = this.#keys.map((key) => key.update(this.#open)).includes(true)
    this.#isStale = false
    if (hasChanged) this.#options.onChange()
  }
}

/** The name of the row that keeps a version of this key. */
export function rowName(stage: KeyStage, name: string): string {
  return `${stage}:${name}`
}

interface Versions<T> {
  readonly current: T
  readonly next: T | undefined
  readonly replaced: T | undefined
  readonly isReplacing: boolean
}

class LiveKey<T> implements StoredKey<T> {
  readonly name: string
  readonly #make: (bytes: Uint8Array) => T
  /** By their bytes, so that a version is made once. */
  #made: ReadonlyMap<string, T> = new Map()
  #versions: Versions<T>
  #accepted: readonly T[]

  constructor(name: string, make: (bytes: Uint8Array) => T, open: (name: string) => Buffer | undefined) {
    this.name = name
    this.#make = make
    this.#versions = this.#read(open)
    this.#accepted = acceptedOf(this.#versions)
  }

  get current(): T {
    return this.#versions.current
  }

  get accepted(): readonly T[] {
    return this.#accepted
  }

  get replaced(): T | undefined {
    return this.#versions.replaced
  }

  get isReplacing(): boolean {
    return this.#versions.isReplacing
  }

  /** Takes the versions from the rows that were read; returns whether one has changed. */
  update(open: (name: string) => Buffer | undefined): boolean {
    const before = this.#versions
    this.#versions = this.#read(open)
    this.#accepted = acceptedOf(this.#versions)
    const { current, next, replaced, isReplacing } = this.#versions
    return !(
      before.current === current &&
      before.next === next &&
      before.replaced === replaced &&
      before.isReplacing === isReplacing
    )
  }

  #read(open: (name: string) => Buffer | undefined): Versions<T> {
    const made = new Map<string, T>()
    const version = (name: string): T | undefined => {
      const bytes = open(name)
      if (bytes === undefined) return undefined
      const id = bytes.toString('latin1')
      const one = this.#made.get(id) ?? this.#make(bytes)
      made.set(id, one)
      return one
    }
    const current = version(this.name)
    // Deleted by hand: nothing can be made or accepted.
    if (current === undefined) throw refusal('store_unavailable')
    const ending = version(rowName('ending', this.name))
    const versions = {
      current,
      next: version(rowName('next', this.name)),
      replaced: ending ?? version(rowName('retired', this.name)),
      isReplacing: ending !== undefined,
    }
    this.#made = made
    return versions
  }
}

function acceptedOf<T>({ current, next }: Versions<T>): readonly T[] {
  return next === undefined ? [current] : [current, next]
}
