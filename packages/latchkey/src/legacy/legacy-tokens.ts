import { checkWhole } from '../check-whole.js'
import type { Claims } from '../claims/check-claims.js'
import { maxClockToleranceSec } from '../clock-tolerance.js'
import { refusal } from '../errors.js'
import { borrowBase64url } from '../jws/base64url.js'
import { splitCompact } from '../jws/compact.js'
import { parseHeader } from '../jws/header.js'
import type { LegacyVerifier } from '../keys/key-source.js'
import { LegacyKeys } from './legacy-keys.js'
import type { LegacyTokensOptions } from './legacy-options.js'
import { LegacyPayloads } from './legacy-payloads.js'

/** The tokens that an application signed before it used Latchkey; see `legacyTokens`. */
export interface LegacyTokens {
  /** Milliseconds since 1970 from which no legacy token is accepted. */
  readonly untilMs: number
  /** See `LegacyTokensOptions.clockTolerance`. */
  readonly clockToleranceSec: number
  /**
   * Verifies signature, issuer and audience, and returns the claims: those of the payload, with the
   * missing ones completed. Neither times nor the tenant are checked.
   *
   * @throws LatchkeyError `token_malformed`, `header_refused`, `algorithm_refused`,
   * `type_mismatch`, `signature_invalid`, `claim_missing`, `claim_invalid`, `issuer_mismatch`,
   * `audience_mismatch`
   */
  read(token: string, verifier: LegacyVerifier): Claims
}

/**
 * Describes the tokens that an application signed with another library, for the option `legacy` of
 * `tenantSecrets`. They are accepted until they expire or `until`, whichever is first, so that the
 * switch to Latchkey signs no user out.
 *
 * `revoke`, `disable`, `requireReissue` and `forget` end the legacy tokens of a user that were
 * issued before (`iat`), in every process within `maxStaleness`; `rotate` does not. A token without
 * `iat` counts as issued in 1970: the first of these changes ends it. Grants are those of the
 * tenant, and never claims of the token.
 *
 * The secret stays the authority on the identity of users: an attacker who has it can sign a token
 * for every user until `until`, with an `iat` after any revocation. If it has leaked, do not accept
 * legacy tokens.
 *
 * @returns the value of the option `legacy`
 * @throws TypeError for invalid options
 * @example
 * ```ts
 * import { legacyTokens, tenantSecrets } from 'latchkey'
 * import { memoryStore } from 'latchkey/memory'
 *
 * const { JWT_SECRET, LATCHKEY_MASTER_KEYS } = process.env
 * const legacy = legacyTokens({ secret: JWT_SECRET, until: '2027-01-31', subject: 'userId' })
 * const keys = tenantSecrets({ store: memoryStore(), masterKeys: LATCHKEY_MASTER_KEYS, legacy })
 * ```
 */
export function legacyTokens(options: LegacyTokensOptions): LegacyTokens {
  return new SignedBefore(options)
}

class SignedBefore implements LegacyTokens {
  readonly untilMs: number
  readonly clockToleranceSec: number
  readonly #keys: LegacyKeys
  readonly #types: ReadonlySet<string>
  readonly #payloads: LegacyPayloads

  constructor(options: LegacyTokensOptions) {
    const { types = ['JWT', 'at+jwt'], clockTolerance = 60 } = options
    this.#keys = new LegacyKeys(options)
    this.untilMs = untilOf(options.until)
    this.clockToleranceSec = checkWhole('clockTolerance', clockTolerance, 0, maxClockToleranceSec)
    if (!Array.isArray(types) || !types.every((type) => typeof type === 'string')) {
      throw new TypeError('types must be a list of strings, such as ["JWT"].')
    }
    this.#types = new Set(types.map(mediaTypeOf))
    this.#payloads = new LegacyPayloads(options, this.untilMs / 1000)
  }

  read(token: string, verifier: LegacyVerifier): Claims {
    const parts = splitCompact(token)
    const { alg, typ } = parseHeader(parts.headerSegment)
    this.#keys.check(alg, parts)
    if (typ !== undefined && !this.#types.has(mediaTypeOf(typ))) throw refusal('type_mismatch')
    const payload = borrowBase64url(parts.payloadSegment)
    if (payload === undefined) throw refusal('token_malformed')
    return this.#payloads.read(payload, token, verifier)
  }
}

/** Returns the type in the form of a comparison (RFC 7515 §4.1.9). */
function mediaTypeOf(typ: string): string {
  return typ.toLowerCase().replace(/^application\//, '')
}

function untilOf(until: Date | string | undefined): number {
  const untilMs = typeof until === 'string' ? Date.parse(until) : until?.getTime?.()
  if (Number.isFinite(untilMs)) return Number(untilMs)
  throw new TypeError('until is not a date: pass the time from which no legacy token is accepted, as "2027-01-31".')
}
