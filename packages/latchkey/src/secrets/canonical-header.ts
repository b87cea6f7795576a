import { checkTokenType, TOKEN_TYPE } from '../claims/token-type.js'
import { refusal } from '../errors.js'
import { type HmacAlgorithm, isHmacAlgorithm } from '../jws/algorithms.js'
import { encodeHeader, parseHeader } from '../jws/header.js'
import { KID_LENGTH } from './kid-issuer.js'

/**
 * The header before the key ID is a multiple of three bytes, and so is the key ID with its opening
 * quotation mark.
 */
const prefixLength = 48
const kidEnd = prefixLength + ((1 + KID_LENGTH) / 3) * 4

/** The end of the header: `"}`. */
const suffix = 'In0'

const prefixes: Readonly<Record<HmacAlgorithm, string>> = {
  HS256: prefixOf('HS256'),
  HS384: prefixOf('HS384'),
  HS512: prefixOf('HS512'),
}

const algorithms = Object.keys(prefixes) as HmacAlgorithm[]

/** The characters of base64url (RFC 4648 §5) by their value. */
const sextets = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_', 'latin1')

/** Eight encoded characters, for six of the key ID. */
const markStart = prefixLength + 4
const markEnd = markStart + 8

// One buffer serves all calls: each fills and reads it before it returns.
const quotedKid = Buffer.alloc(1 + KID_LENGTH)
const quotationMark = 0x22

/** The members of a header that a verifier uses. */
export interface TenantHeader {
  readonly algorithm: HmacAlgorithm
  readonly kid: string
}

/** Returns the header segment of every token that this secret signs. */
export function canonicalHeader(algorithm: HmacAlgorithm, kid: string): string {
  quotedKid[0] = quotationMark
  quotedKid.write(kid, 1, 'latin1')
  return prefixes[algorithm] + quotedKid.toString('base64url') + suffix
}

/**
 * Returns whether a header segment is `canonicalHeader(algorithm, kid)`, in a third of its time.
 */
export function isCanonicalHeader(headerSegment: string, algorithm: HmacAlgorithm, kid: string): boolean {
  if (headerSegment.length !== kidEnd + suffix.length) return false
  // Compared as slices: three times as fast as `startsWith`.
  const isOurForm =
    headerSegment.slice(0, prefixLength) === prefixes[algorithm] && headerSegment.slice(kidEnd) === suffix
  return isOurForm && isKidEncoded(headerSegment, kid)
}

/**
 * Returns a number that all canonical header segments with one key ID share, and hardly any others.
 * It is made of characters of the key ID, which are as good as random, so that a map finds it
 * without hashing a string. For a segment of another form it has no meaning.
 */
export function headerMark(headerSegment: string): number {
  let mark = 0
  for (let at = markStart; at < markEnd; at += 1)
    mark = (Math.imul(mark, 31) + headerSegment.charCodeAt(at)) & 0x3fffffff
  return mark
}

/** Returns the mark of all canonical header segments with this key ID, of any algorithm. */
export function kidMark(kid: string): number {
  return headerMark(canonicalHeader('HS256', kid))
}

/**
 * Reads a header segment of any form. Its content is not authenticated yet. The key ID of a
 * canonical header is extracted without parsing, which is several times faster.
 *
 * @throws as `parseHeader`, `type_mismatch`, `algorithm_refused` for a key that is not HMAC, and
 * `kid_unknown` without a key ID
 */
export function readHeader(headerSegment: string): TenantHeader {
  const likelyAlgorithm = algorithms.find((one) => headerSegment.startsWith(prefixes[one]))
  const likelyKid = likelyAlgorithm === undefined ? undefined : kidInHeader(headerSegment)
  if (likelyKid !== undefined && likelyAlgorithm !== undefined) return { algorithm: likelyAlgorithm, kid: likelyKid }
  const { alg, kid, typ } = parseHeader(headerSegment)
  checkTokenType(typ)
  if (!isHmacAlgorithm(alg)) throw refusal('algorithm_refused')
  if (kid === undefined) throw refusal('kid_unknown')
  return { algorithm: alg, kid }
}

/**
 * Returns the key ID of a segment with the length and the end of a canonical one, or `undefined`.
 */
function kidInHeader(headerSegment: string): string | undefined {
  if (headerSegment.length !== kidEnd + suffix.length || !headerSegment.endsWith(suffix)) return undefined
  const encoded = headerSegment.slice(prefixLength, kidEnd)
  quotedKid.write(encoded, 'base64url')
  const isCanonical = quotedKid[0] === quotationMark && quotedKid.toString('base64url') === encoded
  return isCanonical ? quotedKid.toString('latin1', 1) : undefined
}

/**
 * Returns whether the segment contains this key ID: three characters of it are four encoded ones.
 */
function isKidEncoded(headerSegment: string, kid: string): boolean {
  let difference = 0
  let first = quotationMark
  for (let group = 0; group <= KID_LENGTH / 3; group += 1) {
    const second = kid.charCodeAt(group * 3)
    const third = kid.charCodeAt(group * 3 + 1)
    const at = prefixLength + group * 4
    difference |= headerSegment.charCodeAt(at) ^ (sextets[first >> 2] ?? -1)
    difference |= headerSegment.charCodeAt(at + 1) ^ (sextets[((first & 3) << 4) | (second >> 4)] ?? -1)
    difference |= headerSegment.charCodeAt(at + 2) ^ (sextets[((second & 15) << 2) | (third >> 6)] ?? -1)
    difference |= headerSegment.charCodeAt(at + 3) ^ (sextets[third & 63] ?? -1)
    first = kid.charCodeAt(group * 3 + 2)
  }
  return difference === 0
}

function prefixOf(algorithm: HmacAlgorithm): string {
  return encodeHeader({ alg: algorithm, typ: TOKEN_TYPE, kid: '' }).slice(0, prefixLength)
}
