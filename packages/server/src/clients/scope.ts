// RFC 6749 §3.3: visible ASCII except the quotation mark and the backslash.
const scopeToken = /^[\x21\x23-\x5b\x5d-\x7e]+$/

const maxScopeLength = 1024

/** Returns whether the text is a list of scopes with one space between, or empty. */
export function isScope(text: string): boolean {
  return text.length <= maxScopeLength && (text === '' || text.split(' ').every((scope) => scopeToken.test(scope)))
}

/**
 * Returns the requested scopes without duplicates, or all allowed ones by default; `undefined` if
 * the request is malformed (RFC 6749 §3.3) or exceeds the allowed scopes.
 */
export function grantScope(allowed: string, requested: string | undefined): string | undefined {
  if (requested === undefined) return allowed
  const scopes = new Set(requested.split(' '))
  const available = new Set(allowed.split(' '))
  return [...scopes].every((scope) => scopeToken.test(scope) && available.has(scope))
    ? [...scopes].join(' ')
    : undefined
}
