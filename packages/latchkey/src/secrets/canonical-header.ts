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

/**
 * What stands in the kid's place of a header segment with the form of ours, cut out instead of being parsed, which is several times faster; `undefined`
 * for any other segment. With a kid of ours there, and an algorithm for which `isHeaderOf` holds, the segment is `canonicalHeader` of the two.
 */
export function kidInHeader(headerSegment: string): string | undefined {
  if (headerSegment.length !== kidEnd + suffix.length || !headerSegment.endsWith(suffix)) return undefined
  const encoded = headerSegment.slice(prefixLength, kidEnd)
  quotedKid.write(encoded, 'base64url')
  const isCanonical = quotedKid[0] === quotationMark && quotedKid.toString('base64url') === encoded
  return isCanonical ? quotedKid.toString('latin1', 1) : undefined
}

/** Whether a header segment of this form begins as those of this algorithm do. */
export function isHeaderOf(algorithm: HmacAlgorithm, headerSegment: string): boolean {
  return headerSegment.startsWith(prefixes[algorithm])
}

/**
 * What a header segment of any form says; nobody has vouched for it yet. `likelyKid` is what `kidInHeader` gives for it. Throws as `parseHeader` does,
 * `type_mismatch`, `algorithm_refused` for what is no HMAC, and `kid_unknown` when there is none.
 */
export function readHeader(headerSegment: string, likelyKid: string | undefined): TenantHeader {
  const likelyAlgorithm = likelyKid === undefined ? undefined : algorithms.find((one) => isHeaderOf(one, headerSegment))
  if (likelyKid !== undefined && likelyAlgorithm !== undefined) return { algorithm: likelyAlgorithm, kid: likelyKid }
  const { alg, kid, typ } = parseHeader(headerSegment)
  checkTokenType(typ)
  if (!isHmacAlgorithm(alg)) throw refusal('algorithm_refused')
  if (kid === undefined) throw refusal('kid_unknown')
  return { algorithm: alg, kid }
}

function prefixOf(algorithm: HmacAlgorithm): string {
  return encodeHeader({ alg: algorithm, typ: TOKEN_TYPE, kid: '' }).slice(0, prefixLength)
}
