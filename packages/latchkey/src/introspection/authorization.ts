import type { BearerCredentials, ClientCredentials } from './introspection-options.js'

/**
 * Returns the value of the `Authorization` header. Throws a TypeError, which repeats no value,
 * unless exactly one kind of credentials is present and can be sent in a header.
 */
export function authorizationOf(credentials: Partial<ClientCredentials & BearerCredentials>): string {
  const { clientId, clientSecret, token } = credentials
  const isClient = clientId !== undefined || clientSecret !== undefined
  if (isClient && token !== undefined)
    throw new TypeError('clientId and token cannot be combined: pass the credentials of a client, or a token.')
  if (!isClient && token === undefined)
    throw new TypeError('clientId is missing: pass clientId and clientSecret, or token.')
  return isClient ? basic(clientId, clientSecret) : bearer(token)
}

function basic(clientId: unknown, clientSecret: unknown): string {
  checkText('clientId', clientId)
  checkText('clientSecret', clientSecret)
  // Both are form-encoded before they are joined (RFC 6749 §2.3.1), so that a colon, a space or a
  // letter beyond ASCII cannot be misread.
  const text = `${formEncode(clientId)}:${formEncode(clientSecret)}`
  return `Basic ${Buffer.from(text, 'utf8').toString('base64')}`
}

function bearer(token: unknown): string {
  // The token characters of RFC 6750 §2.1. `fetch` would repeat others in its error message.
  if (typeof token === 'string' && /^[\w.~+/-]+=*$/.test(token)) return `Bearer ${token}`
  throw new TypeError('token must be a bearer token: letters, digits and -._~+/ with = at the end (RFC 6750 §2.1).')
}

function checkText(name: string, value: unknown): asserts value is string {
  if (typeof value === 'string' && value !== '' && value.isWellFormed()) return
  throw new TypeError(`${name} is ${value === undefined ? 'missing' : 'no text'}: pass a string that is not empty.`)
}

/** Encodes one value as `application/x-www-form-urlencoded`. */
function formEncode(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1)
}
