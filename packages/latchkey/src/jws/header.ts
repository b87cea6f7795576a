import { refusal } from '../errors.js'
import { hasDuplicateNames, parseJsonObject } from '../strict-json.js'
import { isAlgorithm } from './algorithms.js'
import { decodeBase64url, encodeBase64url } from './base64url.js'

/** The parameters of a JOSE header that are read (RFC 7515 §4.1). They are not verified yet. */
export interface JoseHeader {
  /** A supported algorithm. The caller must compare it with the algorithm of the key (C3). */
  readonly alg: string
  readonly kid: string | undefined
  readonly typ: string | undefined
}

/** The longest header segment that is parsed, in characters. */
const maxSegmentLength = 2048

/**
 * Parameters that let a token choose its own key or change the signed data (C3; RFC 8725 §3.10).
 */
const forbidden: ReadonlySet<string> = new Set(['crit', 'b64', 'jku', 'jwk', 'x5u', 'x5c', 'zip'])

/**
 * Parses a header segment.
 *
 * @throws LatchkeyError `token_malformed`; `header_refused` for a parameter in `forbidden`;
 * `algorithm_refused` for `none` and every other unsupported algorithm
 */
export function parseHeader(segment: string): JoseHeader {
  const bytes = segment.length <= maxSegmentLength ? decodeBase64url(segment) : undefined
  const header = bytes === undefined ? undefined : parseJsonObject(bytes)
  if (bytes === undefined || header === undefined) throw refusal('token_malformed')
  if (hasDuplicateNames(bytes.toString('utf8'))) throw refusal('token_malformed')
  const { alg, kid, typ } = header
  if (typeof alg !== 'string' || !isTextOrAbsent(kid) || !isTextOrAbsent(typ)) throw refusal('token_malformed')
  if (Object.keys(header).some((name) => forbidden.has(name))) throw refusal('header_refused')
  if (!isAlgorithm(alg)) throw refusal('algorithm_refused')
  return { alg, kid, typ }
}

/** Returns the canonical header segment: all tokens of one key have the same one. */
export function encodeHeader({ alg, typ, kid }: { alg: string; typ: string; kid: string }): string {
  return encodeBase64url(JSON.stringify({ alg, typ, kid }))
}

function isTextOrAbsent(value: unknown): value is string | undefined {
  return value === undefined || typeof value === 'string'
}
