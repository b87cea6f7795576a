import { createHash } from 'node:crypto'

const tokenShape = /^[A-Za-z0-9_-]{43}$/

/**
 * Returns what is stored of a device token to recognise the client of a session by; `null` for what cannot be a device
 * token. A hash of 128 random bits: the database holds nothing that could be presented. Whether the token was minted here does not matter, because it is compared with
 * what the same client has shown before, and so it outlives a replacement of the key that mints device tokens.
 */
export function deviceBinding(deviceToken: string | undefined): string | null {
  if (deviceToken === undefined || !tokenShape.test(deviceToken)) return null
  return createHash('sha256').update(deviceToken).digest('base64url')
}
