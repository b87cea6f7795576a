import { hkdfSync } from 'node:crypto'
import type { StoredKey } from 'latchkey'
import { DeviceTokens } from './device-tokens.js'
import { KeyedHash } from './keyed-hash.js'

/** What protects by a key. */
export interface Protection {
  readonly names: Pick<KeyedHash, 'of'>
  readonly devices: Pick<DeviceTokens, 'mint' | 'recognise'>
}

/** Both under keys that are derived (HKDF, RFC 5869) from the one that is kept, so that what one of them makes means nothing to the other. */
export function protectionOf(key: Uint8Array): Protection {
  return {
    names: new KeyedHash(derive(key, 'blind names')),
    devices: new DeviceTokens(derive(key, 'device tokens')),
  }
}

/** The same under a key that may be replaced: counters then begin anew, and devices are strangers until they sign in. */
export function replaceableProtection(key: StoredKey<Protection>): Protection {
  return {
    names: { of: (...parts) => key.current.names.of(...parts) },
    devices: {
      mint: () => key.current.devices.mint(),
      recognise: (text) => firstDefined(key.accepted.map(({ devices }) => devices.recognise(text))),
    },
  }
}

function firstDefined<T>(values: readonly (T | undefined)[]): T | undefined {
  return values.find((value) => value !== undefined)
}

function derive(key: Uint8Array, purpose: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', key, '', `latchkey ${purpose}`, 32))
}
