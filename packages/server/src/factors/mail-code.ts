import { createHash, randomInt, timingSafeEqual } from 'node:crypto'

/**
 * The number of digits. With the five attempts of a challenge, a guess succeeds once in two
 * thousand million challenges (RFC 8628 §5.1 recommends this order of magnitude). No count for the
 * whole account is then needed, by which other clients could lock its owner out.
 */
export const mailCodeLength = 10

/** Characters that people or mail programs add: spaces, hyphens and marks of the text direction. */
const separators = /[\s\p{Dash}\p{Cf}]/gu

/** The digits of Arabic and Persian keyboards. */
const arabicDigits = /[\u0660-\u0669\u06f0-\u06f9]/g

/** Returns a new code of random digits. */
export function newMailCode(): string {
  return randomInt(10 ** mailCodeLength)
    .toString()
    .padStart(mailCodeLength, '0')
}

/** Returns a code as letters show it: two groups of digits. */
export function formatMailCode(code: string): string {
  const half = mailCodeLength / 2
  return `${code.slice(0, half)} ${code.slice(half)}`
}

/**
 * Returns the hash under which a code is stored. The challenge token is its salt, and only the
 * client has it: the database alone does not reveal the code, although it is short.
 */
export function mailCodeHash(challengeToken: string, code: string): string {
  const canonical = code.normalize('NFKC').replaceAll(separators, '').replaceAll(arabicDigits, asciiDigit)
  return createHash('sha256').update(`${challengeToken} ${canonical}`).digest('base64url')
}

/** The digits of each script follow each other, from a multiple of 16 on. */
function asciiDigit(digit: string): string {
  return String(digit.charCodeAt(0) % 16)
}

/** Compares two hashes in constant time. */
export function isSameHash(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)]
  return a.length === b.length && timingSafeEqual(a, b)
}
