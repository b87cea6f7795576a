import { createHash } from 'node:crypto'

/**
 * Returns the hash of a device token by which a session recognises its client; `null` if there is
 * no token. The token must be random, so that the hash does not reveal it.
 *
 * @example
 * ```ts
 * import { deviceBinding } from 'latchkey/sessions'
 *
 * deviceBinding(undefined) // null
 * ```
 */
export function deviceBinding(deviceToken: string | undefined): string | null {
  if (deviceToken === undefined || deviceToken === '') return null
  return createHash('sha256').update(deviceToken).digest('base64url')
}
