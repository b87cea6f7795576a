import { deviceBinding as bindingOf } from 'latchkey/sessions'

const tokenShape = /^[A-Za-z0-9_-]{43}$/

/**
 * Returns the hash of a device token by which a session recognises its client; `null` for malformed
 * text. The token contains 128 random bits, so that the hash does not reveal it. Its tag is not
 * checked: it is only compared with the token that the same client has sent before, so that a
 * binding survives a replacement of the key of device tokens.
 */
export function deviceBinding(deviceToken: string | undefined): string | null {
  if (deviceToken === undefined || !tokenShape.test(deviceToken)) return null
  return bindingOf(deviceToken)
}
