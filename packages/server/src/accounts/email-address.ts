import { domainToASCII, domainToUnicode } from 'node:url'
import { accountFailures } from './failures.js'

// No white space, no invisible or unassigned character, and none of the characters that are only
// allowed in a quoted local part.
const localPart = /^[^\s\p{C}@"(),:;<>[\\\]]+$/u
// Letters, digits and marks of any script, before IDNA converts them to ASCII.
const domainText = /^[\p{L}\p{N}\p{M}.-]+$/u
const asciiDomain = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/
const maxLength = 254
const maxLocalBytes = 64

/**
 * Returns the canonical form of an e-mail address, under which its account is stored: trimmed, NFC,
 * lower case, with the domain in ASCII (IDNA). All spellings of a mailbox have the same canonical
 * form. Throws `email_invalid`.
 */
export function canonicalEmail(text: string): string {
  const trimmed = text.trim()
  const at = trimmed.indexOf('@')
  const local = trimmed.slice(0, Math.max(at, 0)).normalize('NFC').toLowerCase().normalize('NFC')
  const domain = canonicalDomain(trimmed.slice(at + 1))
  const email = `${local}@${domain}`
  const usable =
    at > 0 &&
    domain !== '' &&
    localPart.test(local) &&
    !/^\.|\.\.|\.$/.test(local) &&
    Buffer.byteLength(local) <= maxLocalBytes &&
    email.length <= maxLength
  if (!usable) throw accountFailures.refusal('email_invalid')
  return email
}

/**
 * Returns the canonical form, or an empty text if this is not an address. No account has an empty
 * address, so that the look-up finds none and takes the same time.
 */
export function tryCanonicalEmail(text: string): string {
  try {
    return canonicalEmail(text)
  } catch {
    return ''
  }
}

/** Returns an empty text if this is not a domain name. */
function canonicalDomain(text: string): string {
  if (!domainText.test(text)) return ''
  const ascii = domainToASCII(text)
  return asciiDomain.test(ascii) && isDecodable(ascii) ? ascii : ''
}

/**
 * Returns whether every `xn--` label encodes a name. `domainToASCII` refuses other labels up to
 * Node 22. Since Node 24 it returns them, and `domainToUnicode` leaves them as they are.
 */
function isDecodable(ascii: string): boolean {
  return !ascii.includes('xn--') || !/(?:^|\.)xn--/.test(domainToUnicode(ascii))
}
