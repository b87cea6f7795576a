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

/**
 * Options of `keyPair` with keys that are kept in a store. Processes that share a store share these
 * as well.
 */
export interface StoredKeyPairOptions {
  readonly store: KeyPairStore
  /** Master keys as `id:base64url,id:base64url`, newest first: they seal the private keys. */
  readonly masterKeys: string | undefined
  /** What new key pairs sign with; existing ones keep theirs. Default `ES256`. */
  readonly algorithm?: SignatureAlgorithm
  /**
   * Longest lifetime in seconds of a token. A key verifies for this long, for `refreshInterval` and
   * for 300 s more after the rotation that replaced it. Default 86,400.
   */
  readonly maxTokenTtl?: number
  /**
   * Seconds after which the keys are read again, to learn of rotations by other processes. Default
   * 60.
   */
  readonly refreshInterval?: number
  /** Where time comes from; the machine's clocks by default. */
  readonly clock?: Clock
}

/**
 * Milliseconds between two reads that unknown kids can cause: a flood of forged ones costs one read
 * in this time.
 */
const unknownKidCooldownMs = 1000

interface Loaded {
  readonly keys: PublishedKeys
  readonly readAt: Instant
  /** How often the keys had been expired when the read began. */
  readonly expiries: number
}

/** Key pairs that all processes of a service share. */
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
    // Decided once more inside: of several processes at once one rotates.
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

  /** Returns what was read last, unless it is stale. */
  #recent(): PublishedKeys | undefined {
    const loaded = this.#loaded
    if (loaded === undefined || loaded.expiries !== this.#expiries) return undefined
    return this.#isWithin(this.#refreshMs, loaded.readAt) ? loaded.keys : undefined
  }

  #isWithin(milliseconds: number, instant: Instant): boolean {
    return elapsedMs(this.#clock, instant) < milliseconds
  }

  /**
   * A key that is not in memory: another process may have rotated since the last read, or the kid
   * is made up.
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

  /** Reads the keys, one read for all who wait, and makes the first ones if there are none. */
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
    // They were expired while they were read.
    if (this.#expiries !== expiries) return this.#read()
    // A rotation here has overtaken this read: what was read must not come back.
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
    // What has ended is known not to be there: its tokens are refused at once.
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
    // Other processes sign with the old key until they read again; a
    // token is accepted for the tolerance after it has expired.
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
