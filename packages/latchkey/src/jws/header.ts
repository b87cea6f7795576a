import { refusal } from '../errors.js'
import { isAlgorithm } from './algorithms.js'
import { decodeBase64url, encodeBase64url } from './base64url.js'

export interface JoseHeader {
  readonly alg: string
  readonly kid: string | undefined
  readonly typ: string | undefined
}

export function parseHeader(segment: string): JoseHeader {
  const bytes = decodeBase64url(segment)
  if (bytes === undefined) throw refusal('token_malformed')
  let header: Record<string, unknown>
  try {
    header = JSON.parse(bytes.toString('utf8'))
  } catch {
    throw refusal('token_malformed')
  }
  const { alg, kid, typ } = header
  if (typeof alg !== 'string') throw refusal('token_malformed')
  if (kid !== undefined && typeof kid !== 'string') throw refusal('token_malformed')
  if (typ !== undefined && typeof typ !== 'string') throw refusal('token_malformed')
  if (!isAlgorithm(alg)) throw refusal('algorithm_refused')
  return { alg, kid, typ }
}

export function encodeHeader({ alg, typ, kid }: { alg: string; typ: string; kid: string }): string {
  return encodeBase64url(JSON.stringify({ alg, typ, kid }))
}
