import type { Algorithm } from '../jws/algorithms.js'
import type { KeyInput } from '../jws/key-input.js'

/** The payload of a legacy token, as the application signed it. Deeply frozen. */
export type LegacyPayload = Readonly<Record<string, unknown>>

/** A secret of legacy tokens: bytes, or a string in UTF-8 as jsonwebtoken takes it. */
export type LegacySecret = Uint8Array | string | undefined

/** Options of `legacyTokens`: `secret` or `key`, and `until`. */
export interface LegacyTokensOptions {
  /**
   * The secret that signed the tokens, or several. For an entry that is `undefined`, such as an
   * unset environment variable, a TypeError names it.
   */
  readonly secret?: LegacySecret | readonly LegacySecret[]
  /** The public key of the tokens, or several: a `KeyObject` or a JWK. */
  readonly key?: KeyInput | readonly KeyInput[]
  /**
   * The accepted algorithms. Each must fit a key, and each key must fit one of them.
   *
   * @defaultValue `['HS256']` for `secret`; required for `key`
   */
  readonly algorithms?: readonly Algorithm[]
  /**
   * The time from which no legacy token is accepted: a date, or text as ISO 8601 has it. Choose the
   * time of the switch and the longest lifetime of a token together.
   */
  readonly until: Date | string
  /**
   * The claim that holds the ID of the user, a string or a whole number, or a function that returns
   * the ID. The function refuses a token by `undefined`, such as one for a password reset that the
   * same secret has signed. The result is the tenant.
   *
   * @defaultValue `'sub'`
   */
  readonly subject?: string | ((payload: LegacyPayload) => string | number | undefined)
  /**
   * The accepted `iss` claims. Pass what the former verification required.
   *
   * @defaultValue any or none
   */
  readonly issuer?: string | readonly string[]
  /**
   * Accepted `aud` claims: a token needs one of them. Pass what the former verification required.
   *
   * @defaultValue any or none
   */
  readonly audience?: string | readonly string[]
  /**
   * Accepted `typ` header parameters, without regard to case. A token without one is accepted.
   *
   * @defaultValue `['JWT', 'at+jwt']`
   */
  readonly types?: readonly string[]
  /**
   * Seconds from 0 to 300 by which the clock of the former signer may be ahead of the clock of the
   * process that revokes. A token that was signed up to this long after a revocation is refused as
   * well. At least the `clockTolerance` of the verifier is used.
   *
   * @defaultValue `60`
   */
  readonly clockTolerance?: number
  /**
   * Whether a secret may be shorter than 32 bytes. The holder of any token can guess such a secret
   * offline, and then sign for every user until `until`.
   *
   * @defaultValue `false`
   */
  readonly allowShortSecret?: boolean
}
