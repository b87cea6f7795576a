import { randomBytes } from 'node:crypto'
import type { HmacAlgorithm } from '../jws/algorithms.js'
import { minSecretBytes } from '../jws/hmac-key.js'
import type { Binding, Keyring, Sealed } from '../sealing/keyring.js'
import type { KidIssuer } from './kid-issuer.js'
import type { SecretRecord } from './ports.js'

/** What tells one secret's place from every other's; the sealed bytes open nowhere else (C7). */
type SecretPlace = Pick<SecretRecord, 'kid' | 'generation' | 'algorithm'>

/** Makes tenants' secrets, and opens them for the key that uses them. */
export class SecretSealer {
  readonly #keyring: Keyring
  readonly #kids: Pick<KidIssuer, 'mint'>
  readonly #algorithm: HmacAlgorithm

  constructor(keyring: Keyring, kids: Pick<KidIssuer, 'mint'>, algorithm: HmacAlgorithm) {
    this.#keyring = keyring
    this.#kids = kids
    this.#algorithm = algorithm
  }

  /** A new signing secret for the tenant, already sealed. */
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

  /** See `openSecret`. */
  open(tenant: string, record: SecretRecord): Buffer {
    return openSecret(this.#keyring, tenant, record)
  }

  /** The same secret under the newest master key. */
  reseal(tenant: string, record: SecretRecord): Sealed {
    return this.#keyring.reseal(record, bindingOf(tenant, record))
  }
}

/** The secret itself. Throws `master_key_missing` or `master_key_wrong`. */
export function openSecret(keyring: Keyring, tenant: string, record: SecretRecord): Buffer {
  return keyring.open(record, bindingOf(tenant, record))
}

function bindingOf(tenant: string, { kid, generation, algorithm }: SecretPlace): Binding {
  return ['tenant-secret', tenant, kid, generation, algorithm]
}
