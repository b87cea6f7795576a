import type { Factor } from './factor-table.js'

/** The data of a passkey in `server_factors`. */
export interface PasskeyData {
  /** The public key as COSE_Key (RFC 9052 §7), in base64url. */
  readonly publicKey: string
  /** The signature counter at the last use; 0 if the authenticator has none. */
  readonly counter: number
  /** The ways in which browsers reach the authenticator, such as `internal` or `usb`. */
  readonly transports: readonly string[]
  /** Whether the passkey may be on several devices (backup eligibility). It never changes. */
  readonly deviceType: 'single' | 'multi'
  /** Whether the passkey was backed up at the last use. */
  readonly backedUp: boolean
  /** The model of the authenticator, as it claims; without attestation nothing proves it. */
  readonly aaguid: string
}

/**
 * Returns the text that is stored, with its members in one order, because `recordUse` compares it.
 */
export function encodePasskeyData({
  publicKey,
  counter,
  transports,
  deviceType,
  backedUp,
  aaguid,
}: PasskeyData): string {
  return JSON.stringify({ publicKey, counter, transports, deviceType, backedUp, aaguid })
}

/** Returns the data of a stored passkey. */
export function passkeyDataOf({ data }: Pick<Factor, 'data'>): PasskeyData {
  // Only `encodePasskeyData` writes it.
  return JSON.parse(data) as PasskeyData
}
