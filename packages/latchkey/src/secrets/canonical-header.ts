import { checkTokenType, TOKEN_TYPE } from '../claims/token-type.js'
import { refusal } from '../errors.js'
import { type HmacAlgorithm, isHmacAlgorithm } from '../jws/algorithms.js'
import { encodeHeader, parseHeader } from '../jws/header.js'
import { KID_LENGTH } from './kid-issuer.js'

/** All that stands before the kid makes whole groups of three bytes; so do the quotation mark that opens the kid and the kid itself. */
const prefixLength = 48
const kidEnd = prefixLength + ((1 + KID_LENGTH) / 3) * 4

/** What closes the header: `"}`. */
const suffix = 'In0'

const prefixes: Readonly<Record<HmacAlgorithm, string>> = {
  HS256: prefixOf('HS256'),
  HS384: prefixOf('HS384'),
  HS512: prefixOf('HS512'),
}

const algorithms = Object.keys(prefixes) as HmacAlgorithm[]

/** The characters of base64url (RFC 4648 §5) by their value. */
const sextets = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_', 'latin1')

/** Eight characters of the kid's place, for six of the kid itself. */
const markStart = prefixLength + 4
const markEnd = markStart + 8

// One buffer serves all calls: each fills and reads it before it returns.
const quotedKid = Buffer.alloc(1 + KID_LENGTH)
const quotationMark = 0x22

/** What a verifier needs of a header. */
export interface TenantHeader {
  readonly algorithm: HmacAlgorithm
  readonly kid: string
}

/** The header segment of every token that this secret signs. */
export function canonicalHeader(algorithm: HmacAlgorithm, kid: string): string {
  quotedKid[0] = quotationMark
  quotedKid.write(kid, 1, 'latin1')
  return prefixes[algorithm] + quotedKid.toString('base64url') + suffix
}

/** Whether a header segment is `canonicalHeader` of this algorithm and this kid of ours. Compared, because making that takes three times as long. */
export function isCanonicalHeader(headerSegment: string, algorithm: HmacAlgorithm, kid: string): boolean {
  if (headerSegment.length !== kidEnd + suffix.length) return false
  // Cut out and compared whole: three times as fast as `startsWith`.
  const isOurForm =
    headerSegment.slice(0, prefixLength) === prefixes[algorithm] && headerSegment.slice(kidEnd) === suffix
  return isOurForm && isKidEncoded(headerSegment, kid)
}

/**
 * A number that all header segments with this kid in our form have in common, and hardly any others; for a segment of another form it means nothing.
 * Of characters that stand for six of the kid's, which are as good as random: a map finds it without hashing a text.
 */
export function headerMark(headerSegment: string): number {
  let mark = 0
  for (let at = markStart; at < markEnd; at += 1)
    mark = (Math.imul(mark, 31) + headerSegment.charCodeAt(at)) & 0x3fffffff
  return mark
}

/** The mark of all header segments with this kid, whatever their algorithm. */
export function kidMark(kid: string): number {
  return headerMark(canonicalHeader('HS256', kid))
}

/**
 * What a header segment of any form says; nobody has vouched for it yet. One of our form is not parsed: its kid is cut out, which is several times
 * faster. Throws as `parseHeader` does, `type_mismatch`, `algorithm_refused` for what is no HMAC, and `kid_unknown` when there is none.
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

/** What stands in the kid's place of a header segment with the length of ours and its end; `undefined` for any other. */
function kidInHeader(headerSegment: string): string | undefined {
  if (headerSegment.length !== kidEnd + suffix.length || !headerSegment.endsWith(suffix)) return undefined
  const encoded = headerSegment.slice(prefixLength, kidEnd)
  quotedKid.write(encoded, 'base64url')
  const isCanonical = quotedKid[0] === quotationMark && quotedKid.toString('base64url') === encoded
  return isCanonical ? quotedKid.toString('latin1', 1) : undefined
}

/** Whether the kid, with the quotation mark that opens it, stands in its place: each three characters are four there. */
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
