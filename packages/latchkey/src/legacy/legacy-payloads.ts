import { createHash } from 'node:crypto'
import { type Claims, isAudience, isNumericDate, isText } from '../claims/check-claims.js'
import { deepFreeze } from '../claims/grants.js'
import { isSessionId } from '../claims/session-id.js'
import { type LatchkeyError, refusal } from '../errors.js'
import type { LegacyVerifier } from '../keys/key-source.js'
import { hasDuplicateNames, parseJsonObject } from '../strict-json.js'
import type { LegacyPayload, LegacyTokensOptions } from './legacy-options.js'

/** Reads the payloads of legacy tokens whose signature was verified. */
export class LegacyPayloads {
  readonly #subject: NonNullable<LegacyTokensOptions['subject']>
  readonly #issuers: readonly string[] | undefined
  readonly #audiences: readonly string[] | undefined
  readonly #untilSec: number

  /** Throws a TypeError for invalid options. */
  constructor({ subject = 'sub', issuer, audience }: LegacyTokensOptions, untilSec: number) {
    if (typeof subject !== 'function' && !isText(subject)) {
      throw new TypeError('subject must be the name of a claim, or a function that returns the ID of the user.')
    }
    this.#subject = subject
    this.#issuers = textsOf('issuer', issuer)
    this.#audiences = textsOf('audience', audience)
    this.#untilSec = untilSec
  }

  /**
   * Returns the claims of the payload. Registered claims that are missing are completed, so that
   * they have the types of `Claims`.
   *
   * @param payload Is overwritten later, so it is read at once.
   * @throws LatchkeyError `token_malformed`, `claim_missing`, `claim_invalid`, `issuer_mismatch`,
   * `audience_mismatch`
   */
  read(payload: Buffer, token: string, verifier: LegacyVerifier): Claims {
    const old = parseJsonObject(payload)
    if (old === undefined || hasDuplicateNames(payload.toString('utf8'))) throw refusal('token_malformed')
    deepFreeze(old)
    const { iss, aud, exp, iat, nbf, jti, sid } = old
    checkDate('exp', exp)
    checkDate('iat', iat)
    checkDate('nbf', nbf)
    if (this.#issuers !== undefined && !isAmong(this.#issuers, iss)) throw refusal('issuer_mismatch')
    if (this.#audiences !== undefined && !isMeantFor(this.#audiences, aud)) throw refusal('audience_mismatch')
    const id = idOf(token)
    return {
      ...old,
      iss: isText(iss) ? iss : verifier.issuer,
      sub: this.#subjectOf(old),
      aud: isAudience(aud) ? aud : verifier.audience,
      exp: Math.min(exp ?? Number.POSITIVE_INFINITY, this.#untilSec),
      iat: iat ?? 0,
      jti: isText(jti) ? jti : id,
      // A token without a session is one of its own, so that it can be ended alone.
      sid: isSessionId(sid) ? sid : id,
    }
  }

  #subjectOf(payload: LegacyPayload): string {
    const subject = this.#subject
    const found = typeof subject === 'function' ? callSubject(subject, payload) : memberOf(payload, subject)
    const text = Number.isSafeInteger(found) ? String(found) : found
    if (isText(text)) return text
    throw wrong(typeof subject === 'function' ? 'sub' : subject, found)
  }
}

/** The function is the application's: an error in it refuses the token. */
function callSubject(subject: (payload: LegacyPayload) => unknown, payload: LegacyPayload): unknown {
  try {
    return subject(payload)
  } catch (error) {
    throw refusal('claim_invalid', { detail: 'sub', cause: error })
  }
}

function memberOf(payload: LegacyPayload, name: string): unknown {
  return Object.hasOwn(payload, name) ? payload[name] : undefined
}

function checkDate(claim: string, date: unknown): asserts date is number | undefined {
  if (date !== undefined && !isNumericDate(date)) throw wrong(claim, date)
}

function wrong(claim: string, value: unknown): LatchkeyError {
  return refusal(value === undefined ? 'claim_missing' : 'claim_invalid', { detail: claim })
}

function isAmong(accepted: readonly string[], value: unknown): boolean {
  return typeof value === 'string' && accepted.includes(value)
}

function isMeantFor(accepted: readonly string[], aud: unknown): boolean {
  return Array.isArray(aud) ? aud.some((one) => isAmong(accepted, one)) : isAmong(accepted, aud)
}

function textsOf(name: string, texts: string | readonly string[] | undefined): readonly string[] | undefined {
  if (texts === undefined) return undefined
  const list = [texts].flat()
  if (list.length === 0 || !list.every(isText))
    throw new TypeError(`${name} must be a string that is not empty, or several.`)
  return list
}

/** Returns an ID of the token that does not reveal it. */
function idOf(token: string): string {
  return `legacy.${createHash('sha256').update(token).digest('base64url').slice(0, 22)}`
}
