import { refusal } from '../errors.js'
import { type Algorithm, isHmacAlgorithm } from '../jws/algorithms.js'
import type { CompactParts } from '../jws/compact.js'
import { HmacKey, minSecretBytes } from '../jws/hmac-key.js'
import { type KeyInput, usableKey, verifierOf } from '../jws/key-input.js'
import type { SignatureVerifier } from '../jws/signature-key.js'
import type { LegacyTokensOptions } from './legacy-options.js'

type KeyOptions = Pick<LegacyTokensOptions, 'secret' | 'key' | 'algorithms' | 'allowShortSecret'>

/** A forged token costs one verification with each key. */
const maxKeys = 8

/** Of random bytes that no attacker can guess, for each hash. */
const leastSecretBytes = 32

/** The keys of legacy tokens, each pinned to its algorithms (C3). */
export class LegacyKeys {
  readonly #verifiers: ReadonlyMap<string, readonly SignatureVerifier[]>

  /** Throws a TypeError for invalid options. */
  constructor(options: KeyOptions) {
    const { secret, key } = options
    if (secret !== undefined && key !== undefined) throw new TypeError('Pass secret or key, not both.')
    this.#verifiers = key === undefined ? ofSecrets([secret].flat(), options) : ofKeys([key].flat(), options)
  }

  /**
   * Checks the signature by the algorithm of the header.
   *
   * @throws LatchkeyError `algorithm_refused`, `signature_invalid`
   */
  check(algorithm: string, { signingInput, signatureSegment }: CompactParts): void {
    const verifiers = this.#verifiers.get(algorithm)
    if (verifiers === undefined) throw refusal('algorithm_refused')
    if (!verifiers.some((verifier) => verifier.verify(signingInput, signatureSegment))) {
      throw refusal('signature_invalid')
    }
  }
}

type Verifiers = ReadonlyMap<string, readonly SignatureVerifier[]>

function ofSecrets(
  secrets: readonly (Uint8Array | string | undefined)[],
  { algorithms = ['HS256'], allowShortSecret = false }: KeyOptions,
): Verifiers {
  const bytes = secrets.map(bytesOf)
  checkCount('secret', bytes)
  const short = bytes.find(({ length }) => length < leastSecretBytes)
  if (short !== undefined && !allowShortSecret) {
    throw new TypeError(
      `secret has ${short.length} bytes: with fewer than ${leastSecretBytes} it can be guessed from any token. Set allowShortSecret to accept that risk.`,
    )
  }
  return verifiersOf(algorithms, (algorithm) => {
    if (!isHmacAlgorithm(algorithm)) throw new TypeError(`${algorithm} takes no secret: pass the public key as key.`)
    return bytes.map((secret) => new HmacKey(algorithm, padded(secret, minSecretBytes[algorithm])))
  })
}

function ofKeys(inputs: readonly KeyInput[], { algorithms }: KeyOptions): Verifiers {
  if (algorithms === undefined) throw new TypeError('algorithms is missing: name that of the tokens, as ["RS256"].')
  const keys = inputs.map((input) => usableKey(input, 'verify'))
  checkCount('key', keys)
  if (keys.some(({ key }) => key.type === 'secret')) throw new TypeError('key is a secret: pass it as secret.')
  const unused = keys.some((key) => !algorithms.some((algorithm) => key.algorithms.includes(algorithm)))
  if (unused) throw new TypeError(`A key fits none of the algorithms ${algorithms.join(', ')}.`)
  return verifiersOf(algorithms, (algorithm) =>
    keys.filter((key) => key.algorithms.includes(algorithm)).map(({ key }) => verifierOf(algorithm, key)),
  )
}

function verifiersOf(
  algorithms: readonly Algorithm[],
  create: (algorithm: Algorithm) => readonly SignatureVerifier[],
): Verifiers {
  if (!Array.isArray(algorithms) || algorithms.length === 0) {
    throw new TypeError('algorithms is empty: name that of the tokens, as ["HS256"].')
  }
  const verifiers = new Map<string, readonly SignatureVerifier[]>()
  for (const algorithm of algorithms as readonly Algorithm[]) {
    const made = create(algorithm)
    if (made.length === 0) throw new TypeError(`No key fits the algorithm ${algorithm}.`)
    verifiers.set(algorithm, made)
  }
  return verifiers
}

function checkCount(name: string, keys: readonly unknown[]): void {
  if (keys.length === 0) throw new TypeError(`${name} is an empty list: pass at least one.`)
  if (keys.length > maxKeys) throw new TypeError(`${name} has more than ${maxKeys} entries: remove expired ones.`)
}

function bytesOf(secret: Uint8Array | string | undefined): Uint8Array {
  const bytes = typeof secret === 'string' ? Buffer.from(secret, 'utf8') : secret
  if (!(bytes instanceof Uint8Array)) {
    throw new TypeError('secret is missing: pass the secret that signed the tokens, or the public key as key.')
  }
  if (bytes.length === 0) throw new TypeError('secret is empty: pass the secret that signed the tokens.')
  // A public key that is used as a secret is known to everyone (RFC 8725 §2.1).
  if (Buffer.from(bytes).includes('-----BEGIN ')) {
    throw new TypeError('secret is a PEM file: pass createPublicKey(pem) as key, and algorithms.')
  }
  return bytes
}

/** Appends zero bytes, as HMAC itself does, so that the result is the same key (RFC 2104 §2). */
function padded(secret: Uint8Array, length: number): Uint8Array {
  return secret.length >= length ? secret : Buffer.concat([secret, Buffer.alloc(length - secret.length)])
}
