import { hkdfSync } from 'node:crypto'

/** Keys for one purpose each. */
export interface ProtectionKeys {
  readonly names: Uint8Array
  readonly devices: Uint8Array
}

/** The keys that are derived (HKDF, RFC 5869) from the one that is kept, so that what one of them makes means nothing to another. */
export function protectionKeys(key: Uint8Array): ProtectionKeys {
  return { names: derive(key, 'blind names'), devices: derive(key, 'device tokens') }
}

function derive(key: Uint8Array, purpose: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', key, '', `latchkey ${purpose}`, 32))
}
