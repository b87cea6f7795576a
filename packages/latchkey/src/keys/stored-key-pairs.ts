import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto'
import { checkWhole } from '../check-whole.js'
import { type Clock, elapsedMs, type Instant, instantOf, systemClock } from '../clock.js'
import { refusal } from '../errors.js'
import type { SignatureAlgorithm } from '../jws/algorithms.js'
import { publicJwkOf } from '../jws/jwk.js'
import type { MaybePromise } from '../maybe-promise.js'
import { Keyring } from '../sealing/keyring.js'
import type { KeyPairRecord, KeyPairStage, KeyPairStore } from './key-pair-store.js'
import type { KeySource, SigningKey, VerifyingKey } from './key-source.js'
import { PublishedKey } from './published-key.js'
import { type Jwks, PublishedKeys } from './published-keys.js'

/** Options of `keyPair` with keys that are kept in a store. */
export interface StoredKeyPairOptions {
  readonly store: KeyPairStore
  /** Master keys as `id:base64url,id:base64url`, newest first: they seal the private keys. */
  readonly masterKeys: string
  /** What new key pairs sign with; existing ones keep theirs. Default `ES256`. */
  readonly algorithm?: SignatureAlgorithm
  /** Longest lifetime in seconds of a token; a key verifies so long after the rotation that replaced it. Default 86,400. */
  readonly maxTokenTtl?: number
  /** Seconds after which the keys are read again, to learn of rotations by other processes. Default 60. */
  readonly refreshInterval?: number
  /** Where time comes from; the machine's clocks by default. */
  readonly clock?: Clock
}

/** Milliseconds between two reads that unknown kids can cause: a flood of forged ones costs one read in this time. */
const unknownKidCooldownMs = 1000

interface Loaded {
  readonly keys: PublishedKeys
  readonly readAt: Instant
}

/** Key pairs that all processes of a service share. */
export class StoredKeyPairs implements KeySource {
  readonly maxTokenTtl: number
  readonly #store: KeyPairStore
  readonly #keyring: Keyring
  readonly #algorithm: SignatureAlgorithm
  readonly #refreshMs: number
  readonly #clock: Clock
  #loaded: Loaded | undefined
  #loading: Promise<PublishedKeys> | undefined
  #closed = false

  constructor({ store, masterKeys, algorithm = 'ES256', clock = systemClock, ...options }: StoredKeyPairOptions) {
    this.maxTokenTtl = checkWhole('maxTokenTtl', options.maxTokenTtl ?? 86_400, 1, 31_536_000)
    this.#refreshMs = checkWhole('refreshInterval', options.refreshInterval ?? 60, 1, 86_400) * 1000
    this.#store = store
    this.#keyring = Keyring.parse(masterKeys)
    this.#algorithm = algorithm
    this.#clock = clock
  }

  async jwks(): Promise<Jwks> {
    return (await (this.#recent() ?? this.#load())).jwks
  }

  async rotate(): Promise<void> {
    this.#checkOpen()
    const records = await this.#store.changeKeyPairs((current) => this.#rotated(current))
    this.#keep(records, instantOf(this.#clock))
  }

  signingKey(): MaybePromise<SigningKey> {
    return this.#recent()?.current ?? this.#load().then((keys) => keys.current)
  }

  verifyingKey(headerSegment: string): MaybePromise<VerifyingKey> {
    const keys = this.#recent()
    if (keys === undefined) return this.#load().then((loaded) => found(loaded, headerSegment))
    const key = keys.find(headerSegment)
    if (key !== undefined) return key
    // Another process may have rotated twice since we looked.
    if (this.#isOlderThan(unknownKidCooldownMs)) return this.#load().then((loaded) => found(loaded, headerSegment))
    throw refusal('kid_unknown')
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#loaded = undefined
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #recent(): PublishedKeys | undefined {
    return this.#isOlderThan(this.#refreshMs) ? undefined : this.#loaded?.keys
  }

  #isOlderThan(milliseconds: number): boolean {
    return this.#loaded === undefined || elapsedMs(this.#clock, this.#loaded.readAt) >= milliseconds
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
    const records = await this.#store.readKeyPairs()
    const complete = isComplete(records) ? records : await this.#store.changeKeyPairs((now) => this.#completed(now))
    return this.#keep(complete, readAt)
  }

  #keep(records: readonly KeyPairRecord[], readAt: Instant): PublishedKeys {
    this.#checkOpen()
    const nowMs = this.#clock.now()
    const living = records.filter(({ retiresAt }) => retiresAt === null || nowMs < retiresAt)
    const byStage = new Map(living.map((record) => [record, this.#publish(record)] as const))
    const current = [...byStage].find(([{ stage }]) => stage === 'current')?.[1]
    if (current === undefined) throw refusal('store_unavailable')
    const keys = new PublishedKeys(current, [...byStage.values()])
    this.#loaded = { keys, readAt }
    return keys
  }

  #publish({ kid, algorithm, retiresAt, masterKeyId, sealed }: KeyPairRecord): PublishedKey {
    const der = this.#keyring.open({ masterKeyId, sealed }, ['key-pair', kid, algorithm])
    const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
    der.fill(0)
    return new PublishedKey({ kid, algorithm, privateKey, retiresAt }, () => this.#clock.now())
  }

  #completed(records: readonly KeyPairRecord[]): readonly KeyPairRecord[] {
    const missing = (['current', 'next'] as const).filter((stage) => !has(records, stage))
    return missing.length === 0 ? records : [...records, ...missing.map((stage) => this.#create(stage))]
  }

  #rotated(records: readonly KeyPairRecord[]): readonly KeyPairRecord[] {
    const nowMs = this.#clock.now()
    const retiresAt = nowMs + this.maxTokenTtl * 1000
    const moved = this.#completed(records).map((record): KeyPairRecord => {
      if (record.stage === 'next') return { ...record, stage: 'current' }
      return record.stage === 'current' ? { ...record, stage: 'previous', retiresAt } : record
    })
    const living = moved.filter((record) => record.retiresAt === null || nowMs < record.retiresAt)
    return [...living, this.#create('next')]
  }

  #create(stage: KeyPairStage): KeyPairRecord {
    const kid = randomBytes(16).toString('base64url')
    const algorithm = this.#algorithm
    const { publicKey, privateKey } = generate(algorithm)
    const der = privateKey.export({ format: 'der', type: 'pkcs8' })
    const sealed = this.#keyring.seal(der, ['key-pair', kid, algorithm])
    der.fill(0)
    const publicJwk = JSON.stringify(publicJwkOf(publicKey, { kid, alg: algorithm }))
    return { kid, algorithm, stage, publicJwk, ...sealed, createdAt: this.#clock.now(), retiresAt: null }
  }

  #checkOpen(): void {
    if (this.#closed) throw refusal('store_closed')
  }
}

function found(keys: PublishedKeys, headerSegment: string): PublishedKey {
  const key = keys.find(headerSegment)
  if (key === undefined) throw refusal('kid_unknown')
  return key
}

function has(records: readonly KeyPairRecord[], stage: KeyPairStage): boolean {
  return records.some((record) => record.stage === stage)
}

function isComplete(records: readonly KeyPairRecord[]): boolean {
  return has(records, 'current') && has(records, 'next')
}

/** RSA keys of 3072 bits: good beyond 2030 by NIST SP 800-57 part 1, table 2. */
const rsaModulusBits = 3072

const curves = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' } as const

function generate(algorithm: SignatureAlgorithm): { publicKey: KeyObject; privateKey: KeyObject } {
  if (algorithm === 'EdDSA') return generateKeyPairSync('ed25519')
  if (algorithm === 'ES256' || algorithm === 'ES384' || algorithm === 'ES512') {
    return generateKeyPairSync('ec', { namedCurve: curves[algorithm] })
  }
  return generateKeyPairSync('rsa', { modulusLength: rsaModulusBits })
}
