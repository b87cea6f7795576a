import { createPrivateKey, generateKeyPair, type KeyObject, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { isSameAlgorithm, type SignatureAlgorithm } from '../jws/algorithms.js'
import { publicJwkOf } from '../jws/jwk.js'
import type { Binding, Keyring } from '../sealing/keyring.js'
import type { KeyPairRecord } from './key-pair-store.js'

/** A new key pair without a stage. */
export type FreshKeyPair = Omit<KeyPairRecord, 'stage' | 'retiresAt'>

/**
 * Creates key pairs whose private key is sealed under the newest master key, and opens them (C7).
 */
export class KeyPairSealer {
  readonly #keyring: Keyring

  constructor(keyring: Keyring) {
    this.#keyring = keyring
  }

  /**
   * Returns a new key pair with a random `kid`. Node.js generates it in its thread pool: an RSA key
   * can take seconds.
   */
  async create(algorithm: SignatureAlgorithm, createdAt: number): Promise<FreshKeyPair> {
    const kid = randomBytes(16).toString('base64url')
    const { publicKey, privateKey } = await generate(algorithm)
    const der = privateKey.export({ format: 'der', type: 'pkcs8' })
    const sealed = this.#keyring.seal(der, bindingOf({ kid, algorithm }))
    der.fill(0)
    return {
      kid,
      algorithm,
      publicJwk: JSON.stringify(publicJwkOf(publicKey, { kid, alg: algorithm })),
      ...sealed,
      createdAt,
    }
  }

  /** Returns the private key. Throws `master_key_missing`, `master_key_wrong`. */
  open(record: KeyPairRecord): KeyObject {
    const der = this.#keyring.open(record, bindingOf(record))
    try {
      return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
    } finally {
      der.fill(0)
    }
  }
}

/**
 * The binding of a sealed key, also in `rewrap`: it cannot be moved to another `kid` or algorithm.
 */
function bindingOf({ kid, algorithm }: Pick<KeyPairRecord, 'kid' | 'algorithm'>): Binding {
  return ['key-pair', kid, algorithm]
}

/** The length of RSA keys: sufficient beyond 2030 by NIST SP 800-57 part 1, table 2. */
const rsaModulusBits = 3072

const curves = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' } as const

function generate(algorithm: SignatureAlgorithm): Promise<{ publicKey: KeyObject; privateKey: KeyObject }> {
  const generateAsync = promisify(generateKeyPair)
  if (isSameAlgorithm(algorithm, 'Ed25519')) return generateAsync('ed25519')
  if (algorithm === 'ES256' || algorithm === 'ES384' || algorithm === 'ES512') {
    return generateAsync('ec', { namedCurve: curves[algorithm] })
  }
  return generateAsync('rsa', { modulusLength: rsaModulusBits })
}
