import { randomBytes } from 'node:crypto'
import type { HmacAlgorithm } from '../jws/algorithms.js'
import { minSecretBytes } from '../jws/hmac-key.js'
import type { Binding, Keyring, Sealed } from '../sealing/keyring.js'
import type { KidIssuer } from './kid-issuer.js'
import type { SecretRecord } from './ports.js'

/** Identifies a secret; its encrypted bytes are bound to this (C7). */
type SecretPlace = Pick<SecretRecord, 'kid' | 'generation' | 'algorithm'>

/** Creates and decrypts tenants' secrets. */
export class SecretSealer {
  readonly #keyring: Keyring
  readonly #kids: Pick<KidIssuer, 'mint'>
  readonly #algorithm: HmacAlgorithm

  constructor(keyring: Keyring, kids: Pick<KidIssuer, 'mint'>, algorithm: HmacAlgorithm) {
    this.#keyring = keyring
    this.#kids = kids
    this.#algorithm = algorithm
  }

  /** Returns a new encrypted signing secret for the tenant. */
  mint(tenant: string, generation: number, nowMs: number): SecretRecord {
    const place = { kid: this.#kids.mint(), generation, algorithm: this.#algorithm }
    const secret = randomBytes(minSecretBytes[this.#algorithm])
    try {
      const sealed = this.#keyring.seal(secret, bindingOf(tenant, place))
      return { ...place, ...sealed, createdAt: nowMs, retiresAt: null, reissueRequired: false }
    } finally {
      secret.fill(0)
    }
  }

  /** Returns the decrypted secret, as `openSecret` does. */
  open(tenant: string, record: SecretRecord): Buffer {
    return openSecret(this.#keyring, tenant, record)
  }

  /** Returns the same secret under the newest master key. */
  reseal(tenant: string, record: SecretRecord): Sealed {
    return this.#keyring.reseal(record, bindingOf(tenant, record))
  }
}

/** Returns the decrypted secret. Throws `master_key_missing`, `master_key_wrong`. */
export function openSecret(keyring: Keyring, tenant: string, record: SecretRecord): Buffer {
  return keyring.open(record, bindingOf(tenant, record))
}

function bindingOf(tenant: string, { kid, generation, algorithm }: SecretPlace): Binding {
  return ['tenant-secret', tenant, kid, generation, algorithm]
}
