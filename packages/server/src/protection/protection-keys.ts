import { hkdfSync } from 'node:crypto'
import type { StoredKey } from 'latchkey'
import { DeviceTokens } from './device-tokens.js'
import { KeyedHash } from './keyed-hash.js'

/** Names of counters and device tokens, both under keys derived from one stored key. */
export interface Protection {
  /** Names of counters that reveal neither addresses nor accounts. */
  readonly names: Pick<KeyedHash, 'of'>
  readonly devices: Pick<DeviceTokens, 'mint' | 'recognise'>
}

/** Derives a separate key for each by HKDF (RFC 5869), so that a token is never valid as a name. */
export function protectionOf(key: Uint8Array): Protection {
  return {
    names: new KeyedHash(derive(key, 'blind names')),
    devices: new DeviceTokens(derive(key, 'device tokens')),
  }
}

/**
 * Returns `Protection` under a replaceable key. After a replacement counters start at zero, and
 * device tokens of the old key are not recognised.
 */
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
