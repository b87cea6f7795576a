/**
 * Further members of an entry. It never contains a token, a secret, a password or text chosen by an
 * unauthenticated client.
 */
export type AuditDetail = { readonly [name: string]: DetailValue }

type DetailValue = string | number | boolean | null | AuditDetail

/** Room for the roles and scopes of an account before and after a change. */
const maxLength = 8192

/**
 * Returns the detail as it is stored: JSON of at most 8,192 characters; a longer one is replaced by
 * `{"truncated":true}`.
 */
export function encodeDetail(detail: AuditDetail | undefined): string | null {
  if (detail === undefined) return null
  const text = JSON.stringify(detail)
  return text.length <= maxLength ? text : '{"truncated":true}'
}

/** Returns a stored detail; `null` if there is none or it is malformed. */
export function decodeDetail(text: string | null): AuditDetail | null {
  if (text === null) return null
  try {
    const detail: unknown = JSON.parse(text)
    return typeof detail === 'object' && !Array.isArray(detail) ? (detail as AuditDetail | null) : null
  } catch {
    return null
  }
}
