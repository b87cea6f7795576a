import { deviceBinding } from './device-binding.js'
import { networkOf } from './network-of.js'
import type { SessionOrigin } from './sessions-api.js'

/** The origin of a request in the form that a session stores. */
export interface CheckedOrigin {
  readonly device: string | null
  readonly userAgent: string | null
  readonly address: string | null
  readonly network: string | null
}

const maxUserAgentLength = 255
const maxAddressLength = 64

/** Returns the origin in the form that a session stores. Throws a TypeError for other types. */
export function checkOrigin({ device, userAgent, address }: SessionOrigin): CheckedOrigin {
  const checked = textOf('address', address, maxAddressLength)
  return {
    device: deviceBinding(checkText('device', device)),
    userAgent: textOf('userAgent', userAgent, maxUserAgentLength),
    address: checked,
    network: checked === null ? null : networkOf(checked),
  }
}

/**
 * Returns text that every store can hold and every page can show: at most this many printable ASCII
 * characters. The text comes from headers.
 */
function textOf(name: string, text: string | undefined, maxLength: number): string | null {
  const checked = checkText(name, text)
  return checked === undefined ? null : checked.slice(0, maxLength).replaceAll(/[^\x20-\x7e]/g, '?')
}

function checkText(name: string, text: string | undefined): string | undefined {
  if (text === undefined || typeof text === 'string') return text
  throw new TypeError(`${name} must be a string or undefined.`)
}
