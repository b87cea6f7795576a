import type { Binding, Keyring } from '../sealing/keyring.js'
import type { SealedGrants } from './ports.js'

/** Where grants belong: to one tenant, in the row of one version. */
export interface GrantsPlace {
  readonly tenant: string
  readonly version: number
}

/**
 * Seals tenants' grants, as the JSON text that `encodeGrants` makes.
 *
 * The associated data names the tenant and its version. A version is given once, so that sealed grants open in the row
 * that they were written with and nowhere else: not in another tenant's, and not in a later row of the same tenant. Each
 * change of a tenant therefore seals them anew.
 */
export class GrantsSealer {
  readonly #keyring: Keyring

  constructor(keyring: Keyring) {
    this.#keyring = keyring
  }

  seal(place: GrantsPlace, text: string): SealedGrants {
    return this.#keyring.seal(Buffer.from(text), bindingOf(place))
  }

  /** Returns the JSON text. Throws `master_key_missing` or `master_key_wrong`. */
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
