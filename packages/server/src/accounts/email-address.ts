import { domainToASCII } from 'node:url'
import { accountFailures } from './failures.js'

// No white space, nothing invisible or unassigned, none of the characters that only a quoted local part may hold.
const localPart = /^[^\s\p{C}@"(),:;<>[\\\]]+$/u
// Letters, digits and marks of any script, before IDNA makes ASCII of them.
const domainText = /^[\p{L}\p{N}\p{M}.-]+$/u
const asciiDomain = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/
const maxLength = 254
const maxLocalBytes = 64

/**
 * The one spelling of an e-mail address under which its account is kept: trimmed, NFC, lower case, the domain as ASCII (IDNA). Whoever
 * registers another spelling of it means the same mailbox. Throws `email_invalid`.
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

/** The one spelling, or nothing where it is no address: no account has an empty address, and what cannot be one costs the same look-up. */
export function tryCanonicalEmail(text: string): string {
  try {
    return canonicalEmail(text)
  } catch {
    return ''
  }
}

/** Empty when it is no domain. */
function canonicalDomain(text: string): string {
  if (!domainText.test(text)) return ''
  const ascii = domainToASCII(text)
  return asciiDomain.test(ascii) ? ascii : ''
}
