import { refusal } from '../errors.js'
import { hasDuplicateNames, parseJsonObject } from '../strict-json.js'
import { isAlgorithm } from './algorithms.js'
import { decodeBase64url, encodeBase64url } from './base64url.js'

/** What is read of a JOSE header (RFC 7515 §4.1). Nobody has vouched for it yet. */
export interface JoseHeader {
  /** One of ours; still to be compared with the algorithm of the key (C3). */
  readonly alg: string
  readonly kid: string | undefined
  readonly typ: string | undefined
}

/** Longest header segment in characters that is parsed. */
const maxSegmentLength = 2048

/** Parameters that would let a token choose its own key, or change what is signed: never accepted (C3; RFC 8725 §3.10). */
const forbidden: ReadonlySet<string> = new Set(['crit', 'b64', 'jku', 'jwk', 'x5u', 'x5c', 'zip'])

/**
 * Reads a header segment. Throws `token_malformed`, `header_refused` for a parameter that is never accepted, and `algorithm_refused`
 * for `none` and whatever else is no algorithm of ours.
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

/** The canonical header segment of these three parameters, in this order: the same for every token of one key. */
export function encodeHeader({ alg, typ, kid }: { alg: string; typ: string; kid: string }): string {
  return encodeBase64url(JSON.stringify({ alg, typ, kid }))
}

function isTextOrAbsent(value: unknown): value is string | undefined {
  return value === undefined || typeof value === 'string'
}
