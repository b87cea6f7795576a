import { randomBytes } from 'node:crypto'
import { type Instant, longAgo } from '../clock.js'
import { refusal } from '../errors.js'
import type { Keyring } from '../sealing/keyring.js'
import type { SealedSetting, TenantStore } from './ports.js'

/**
 * A key that all processes on a store share, made of 32 random bytes by the function `make` of its
 * user. It can be replaced while processes run, so read it at each use.
 */
export interface StoredKey<T> {
  /** The version for new values. */
  readonly current: T
  /** The versions of values to accept: `current`, and during a replacement the next one. */
  readonly accepted: readonly T[]
  /** The version that `current` has replaced. Use it only to choose the code of a refusal. */
  readonly replaced: T | undefined
  /** Whether a replacement is ending what depends on `replaced`. */
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
  /** Returns whether data read at this instant is still fresh enough to use. */
  readonly covers: (readAt: Instant) => boolean
  /** Called when a version of a key has changed. */
  readonly onChange: () => void
  readonly nowMs: () => number
}

/** Stages of a version, which prefix the name of its row; the current one has no prefix. */
export const stages = ['next', 'ending', 'retired'] as const

/** The stage of a version in a replacement. */
export type KeyStage = (typeof stages)[number]

/** Milliseconds between a failed read and the next one. */
const failureCooldownMs = 1000

const keyBytes = 32

/** The library's own keys, which are replaced even if this process does not use them. */
const libraryKeys = ['kid-key', 'shared-cache-key', 'refresh-key'] as const

/**
 * The keys of a store that processes share. They are as fresh as tenants (C4): the change feed
 * reports each change of them, and without a recent proof of the feed they are read again.
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

  /** Whether a reported change has not been read yet. */
  get isStale(): boolean {
    return this.#isStale
  }

  /** The names of all keys that this process knows. */
  get names(): ReadonlySet<string> {
    return new Set([...libraryKeys, ...this.#keys.map(({ name }) => name)])
  }

  /**
   * Returns the key of this name, created at its first use.
   *
   * @throws `master_key_missing`, `master_key_wrong`
   */
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

  /** Records that a key may have been replaced. */
  invalidate(): void {
    this.#changes += 1
    this.#isStale = true
  }

  /**
   * Reads the keys unless they are fresh; then returns `undefined`. Fails with `store_unavailable`.
   */
  ensure(): Promise<void> | undefined {
    if (!this.#isStale && this.#options.covers(this.#readAt)) return undefined
    // A flood of forged key IDs while the store is unreachable causes one attempt in this time
    // (C2).
    const hasJustFailed = Math.abs(this.#options.nowMs() - this.#failedAt) < failureCooldownMs
    if (hasJustFailed && this.#reading === undefined) return Promise.reject(refusal('store_unavailable'))
    return this.#read()
  }

  /** Returns the bytes encrypted for the row of this name. */
  seal(name: string, bytes: Uint8Array): SealedSetting {
    return { name, ...this.#options.keyring.seal(bytes, ['setting', name]) }
  }

  /** Returns the decrypted bytes of a row. Throws `master_key_missing`, `master_key_wrong`. */
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
      // Not awaited: an open transaction of the caller may lock the row of the lease. Rows that are
      // read without a lease are not cached.
      lease.ensure()?.catch(() => {})
      changes = this.#changes
      const readAt = lease.instant()
      const rows = await store.readSettings()
      this.#rows = new Map(rows.map((row) => [row.name, row]))
      this.#readAt = readAt
      // A change arrived during the read: read again.
    } while (changes !== this.#changes)
    const hasChanged = this.#keys.map((key) => key.update(this.#open)).includes(true)
    this.#isStale = false
    if (hasChanged) this.#options.onChange()
  }
}

/** Returns the name of the row with a version of this key. */
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
  /** By their bytes, so that each version is made once. */
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

  /** Reads the versions from the rows, and returns whether one has changed. */
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
    // The row was deleted by hand.
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
