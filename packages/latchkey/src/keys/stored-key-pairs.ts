import { checkWhole } from '../check-whole.js'
import { type Clock, elapsedMs, type Instant, instantOf, systemClock } from '../clock.js'
import { maxClockToleranceSec } from '../clock-tolerance.js'
import { type LatchkeyError, refusal } from '../errors.js'
import { checkSignatureAlgorithm, type SignatureAlgorithm } from '../jws/algorithms.js'
import type { MaybePromise } from '../maybe-promise.js'
import { Keyring } from '../sealing/keyring.js'
import { completed, isComplete, isRetired, isRotationDue, rotated } from './key-pair-rotation.js'
import { type FreshKeyPair, KeyPairSealer } from './key-pair-sealer.js'
import type { KeyPairRecord, KeyPairStore } from './key-pair-store.js'
import type { KeySource, SigningKey, VerifyingKey } from './key-source.js'
import { MissingKids } from './missing-kids.js'
import { type KeyPairState, PublishedKey } from './published-key.js'
import { type Jwks, type KeyName, PublishedKeys, parseKeyName } from './published-keys.js'

/** Options of `keyPair` with keys in a store, which all processes on the store share. */
export interface StoredKeyPairOptions {
  readonly store: KeyPairStore
  /** Master keys as `id:base64url,id:base64url`, newest first. They seal the private keys. */
  readonly masterKeys: string | undefined
  /**
   * The algorithm of new key pairs; existing ones keep theirs.
   *
   * @defaultValue `'ES256'`
   */
  readonly algorithm?: SignatureAlgorithm
  /**
   * Longest lifetime of a token in seconds. A rotated key verifies for this time, `refreshInterval`
   * and 300 s more.
   *
   * @defaultValue `86_400`
   */
  readonly maxTokenTtl?: number
  /**
   * Seconds after which the keys are read again, because other processes may have rotated them.
   *
   * @defaultValue `60`
   */
  readonly refreshInterval?: number
  /**
   * The source of the time.
   *
   * @defaultValue the clocks of the machine
   */
  readonly clock?: Clock
}

/**
 * Milliseconds between two reads for unknown key IDs, so that a flood of forged ones costs one read
 * in this time.
 */
const unknownKidCooldownMs = 1000

interface Loaded {
  readonly keys: PublishedKeys
  readonly readAt: Instant
  /** The number of calls of `expire` when the read began. */
  readonly expiries: number
}

/** Key pairs in a store, shared by all processes of a service. */
export class StoredKeyPairs implements KeySource {
  readonly maxTokenTtl: number
  readonly #store: KeyPairStore
  readonly #sealer: KeyPairSealer
  readonly #algorithm: SignatureAlgorithm
  readonly #refreshMs: number
  readonly #clock: Clock
  readonly #state: KeyPairState
  readonly #missing = new MissingKids()
  #loaded: Loaded | undefined
  #loading: Promise<PublishedKeys> | undefined
  #triedAt: Instant | undefined
  #isFailing = false
  #rotations = 0
  #expiries = 0
  #closed = false

  constructor({ store, masterKeys, algorithm = 'ES256', clock = systemClock, ...options }: StoredKeyPairOptions) {
    this.maxTokenTtl = checkWhole('maxTokenTtl', options.maxTokenTtl ?? 86_400, 1, 31_536_000)
    this.#refreshMs = checkWhole('refreshInterval', options.refreshInterval ?? 60, 1, 86_400) * 1000
    this.#store = store
    this.#sealer = new KeyPairSealer(Keyring.parse(masterKeys))
    this.#algorithm = checkSignatureAlgorithm('algorithm', algorithm)
    this.#clock = clock
    this.#state = {
      holds: (key) => this.#recent()?.withKid(key.kid) === key,
      isPast: (timeMs) => !(clock.now() < timeMs),
    }
  }

  async jwks(): Promise<Jwks> {
    return (await (this.#recent() ?? this.#load())).jwks
  }

  async rotate(): Promise<void> {
    await this.#load()
    const fresh = await this.#createKeyPair()
    const records = await this.#change((current) => this.#rotated(current, fresh))
    if (!records.some(({ kid }) => kid === fresh.kid)) throw refusal('store_unavailable')
  }

  async rotateIfDue(before: number): Promise<boolean> {
    await this.#load()
    if (!isRotationDue(await this.#store.readKeyPairs(), before)) return false
    const fresh = await this.#createKeyPair()
    // Checked again inside, so that only one of several processes rotates.
    const records = await this.#change((current) =>
      isRotationDue(current, before) ? this.#rotated(current, fresh) : current,
    )
    return records.some(({ kid }) => kid === fresh.kid)
  }

  async replace(): Promise<void> {
    const fresh = await Promise.all([this.#createKeyPair(), this.#createKeyPair()])
    await this.#change(() => completed([], fresh))
  }

  expire(): void {
    this.#expiries += 1
  }

  signingKey(): MaybePromise<SigningKey> {
    return this.#recent()?.current ?? this.#load().then((keys) => keys.current)
  }

  verifyingKey(headerSegment: string): MaybePromise<VerifyingKey> {
    const keys = this.#recent()
    const known = keys?.withHeader(headerSegment)
    if (known !== undefined) return known
    const name = parseKeyName(headerSegment)
    return keys?.find(name) ?? this.#readKey(name)
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#loaded = undefined
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #change(
    decide: (current: readonly KeyPairRecord[]) => readonly KeyPairRecord[],
  ): Promise<readonly KeyPairRecord[]> {
    const [readAt, expiries] = [instantOf(this.#clock), this.#expiries]
    const records = await this.#store.changeKeyPairs(decide)
    this.#rotations += 1
    this.#keep(records, readAt, expiries)
    return records
  }

  /** Returns the keys of the last read, unless they are stale. */
  #recent(): PublishedKeys | undefined {
    const loaded = this.#loaded
    if (loaded === undefined || loaded.expiries !== this.#expiries) return undefined
    return this.#isWithin(this.#refreshMs, loaded.readAt) ? loaded.keys : undefined
  }

  #isWithin(milliseconds: number, instant: Instant): boolean {
    return elapsedMs(this.#clock, instant) < milliseconds
  }

  /**
   * Reads a key that is not in memory: another process may have rotated since the last read, or the
   * `kid` is forged.
   */
  #readKey(name: KeyName): Promise<VerifyingKey> {
    this.#missing.note(name.kid)
    const hasJustTried = this.#triedAt !== undefined && this.#isWithin(unknownKidCooldownMs, this.#triedAt)
    const mustRead = this.#recent() === undefined || this.#loading !== undefined || !hasJustTried
    if (!mustRead) throw this.#refusalOf(name)
    return this.#load().then((keys) => {
      const key = keys.find(name)
      if (key === undefined) throw this.#refusalOf(name)
      return key
    })
  }

  #refusalOf({ kid }: KeyName): LatchkeyError {
    if (!this.#isFailing && this.#missing.isSettled(kid)) return refusal('kid_unknown')
    return refusal('store_unavailable', { retryAfterSec: unknownKidCooldownMs / 1000 })
  }

  /** Reads the keys, once for all waiting callers, and creates the first ones if there are none. */
  #load(): Promise<PublishedKeys> {
    this.#checkOpen()
    this.#loading ??= this.#read().finally(() => {
      this.#loading = undefined
    })
    return this.#loading
  }

  async #read(): Promise<PublishedKeys> {
    const readAt = instantOf(this.#clock)
    const [rotations, expiries] = [this.#rotations, this.#expiries]
    const read = this.#missing.beginRead()
    this.#triedAt = readAt
    this.#isFailing = true
    const records = await this.#readComplete()
    this.#missing.endRead(read)
    // `expire` was called during the read.
    if (this.#expiries !== expiries) return this.#read()
    // A rotation in this process is newer than this read, which must not replace its result.
    const isSuperseded = this.#rotations !== rotations
    const keys = isSuperseded && this.#loaded !== undefined ? this.#loaded.keys : this.#keep(records, readAt, expiries)
    this.#isFailing = false
    return keys
  }

  async #readComplete(): Promise<readonly KeyPairRecord[]> {
    const records = await this.#store.readKeyPairs()
    if (isComplete(records)) return records
    const fresh = await Promise.all([this.#createKeyPair(), this.#createKeyPair()])
    return this.#store.changeKeyPairs((current) => completed(current, fresh))
  }

  #keep(records: readonly KeyPairRecord[], readAt: Instant, expiries: number): PublishedKeys {
    this.#checkOpen()
    const living = records.filter((record) => !isRetired(record, this.#clock.now()))
    const keys = living.map((record) => this.#publish(record))
    const current = keys[living.findIndex(({ stage }) => stage === 'current')]
    if (current === undefined) throw refusal('store_unavailable')
    // Ended keys are known to be missing, so that their tokens are refused at once.
    for (const kid of this.#loaded?.keys.kids ?? []) this.#missing.note(kid, 0)
    this.#loaded = { keys: new PublishedKeys(current, keys), readAt, expiries }
    return this.#loaded.keys
  }

  /**
   * Returns the key in memory if it has not changed, so that verdicts that depend on it stay valid.
   */
  #publish(record: KeyPairRecord): PublishedKey {
    const known = this.#loaded?.keys.withKid(record.kid)
    const isSame = known?.algorithm === record.algorithm && known.retiresAt === record.retiresAt
    if (isSame) return known
    return new PublishedKey({ ...record, privateKey: this.#sealer.open(record) }, this.#state)
  }

  #rotated(current: readonly KeyPairRecord[], fresh: FreshKeyPair): readonly KeyPairRecord[] {
    const nowMs = this.#clock.now()
    // Other processes sign with the old key until they read again, and a token is accepted for the
    // clock tolerance after its expiry.
    const retiresAt = nowMs + this.#refreshMs + (this.maxTokenTtl + maxClockToleranceSec) * 1000
    return rotated(current, fresh, { nowMs, retiresAt })
  }

  #createKeyPair(): Promise<FreshKeyPair> {
    return this.#sealer.create(this.#algorithm, this.#clock.now())
  }

  #checkOpen(): void {
    if (this.#closed) throw refusal('store_closed')
  }
}
