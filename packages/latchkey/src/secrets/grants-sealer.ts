import type { Binding, Keyring } from '../sealing/keyring.js'
import type { SealedGrants } from './ports.js'

/** Identifies grants: one tenant, in the row of one version. */
export interface GrantsPlace {
  readonly tenant: string
  readonly version: number
}

/**
 * Encrypts tenants' grants, as the JSON that `encodeGrants` returns.
 *
 * The associated data names the tenant and its version. A version is assigned once, so that grants
 * decrypt only in the row that they were written with: not in another tenant's row, and not in a
 * later one of the same tenant. Each change of a tenant therefore encrypts them again.
 */
export class GrantsSealer {
  readonly #keyring: Keyring

  constructor(keyring: Keyring) {
    this.#keyring = keyring
  }

  seal(place: GrantsPlace, text: string): SealedGrants {
    return this.#keyring.seal(Buffer.from(text), bindingOf(place))
  }

  /** Returns the JSON. Throws `master_key_missing`, `master_key_wrong`. */
  open(place: GrantsPlace, sealed: SealedGrants): string {
    return this.#keyring.open(sealed, bindingOf(place)).toString('utf8')
  }

  /** Returns the same grants under the newest master key. */
  reseal(place: GrantsPlace, sealed: SealedGrants): SealedGrants {
    return this.#keyring.reseal(sealed, bindingOf(place))
  }
}

function bindingOf({ tenant, version }: GrantsPlace): Binding {
  return ['tenant-grants', tenant, version]
}
