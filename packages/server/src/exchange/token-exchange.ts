import {
  type Auth,
  type Clock,
  createLatchkey,
  type IssuedToken,
  isLatchkeyError,
  type KeySource,
  type Latchkey,
  type MaybePromise,
} from 'latchkey'
import type { AuditEntry } from '../audit/audit-record.js'
import type { AuditTrail } from '../audit/audit-trail.js'
import { claimsOfRights } from '../grants.js'
import { Problem } from '../problem.js'

/** What `TokenExchange` works with. */
export interface TokenExchangeOptions {
  readonly issuer: string
  /** The audiences that may be asked for; the first is given unasked. */
  readonly audiences: readonly [string, ...string[]]
  /** The key pair that signs for other services, which verify by its JWKS. */
  readonly keys: KeySource
  /** Verifies subject tokens. */
  readonly latchkey: Latchkey
  readonly audit: AuditTrail
  readonly clock: Clock
}

/** A token for another service. */
export interface ExchangedToken {
  readonly accessToken: string
  readonly expiresInSec: number
}

/** Other services cannot see a revocation here, so what they are given dies soon by itself. */
const maxLifetimeSec = 300

/**
 * The `client_id` (required by RFC 9068 §2.2) of an account's token: it came from the sign-in of this server and not from a
 * registered client. No client has this ID, and it differs from `sub`, so that nobody takes the account for a client.
 */
const signInClientId = 'latchkey'

/** Exchanges an access token of this server for one that other services can verify without asking (RFC 8693). */
export class TokenExchange {
  readonly #options: TokenExchangeOptions
  readonly #signers: ReadonlyMap<string, Latchkey>

  constructor(options: TokenExchangeOptions) {
    const { issuer, audiences, keys, clock } = options
    this.#options = options
    this.#signers = new Map(
      audiences.map((audience) => [
        audience,
        createLatchkey({ issuer, audience, keys, clock, accessTokenTtl: maxLifetimeSec, tokenCache: false }),
      ]),
    )
  }

  /**
   * A token for the audience that lives for five minutes, and no longer than the subject token. Fails with `subject_token_refused`,
   * `audience_refused`, `store_unavailable`.
   */
  async exchange(subjectToken: string, audience: string | undefined, address: string): Promise<ExchangedToken> {
    let subject: Auth | undefined
    try {
      subject = await this.#verify(subjectToken)
      return await this.exchangeVerified(subject, audience ?? this.#options.audiences[0], address)
    } catch (error) {
      // Not waited for, so that the tripwire for leaked secrets learns at once where the request came from.
      if (error instanceof Problem) {
        void this.#record(subject, { outcome: 'refused', address, detail: { reason: error.code } })
      }
      throw error
    }
  }

  /** The same for a subject token that has been verified: at once where the key is in memory. Fails with `subject_token_refused` in its last second, and like `exchange`. */
  exchangeVerified(subject: Auth, audience: string, address: string): MaybePromise<ExchangedToken> {
    const exchanged = this.#sign(this.#signerFor(audience), subject)
    // Not waited for, because the answer is synchronous where the key is in memory. It never rejects: what cannot be written is counted.
    const done = (token: ExchangedToken) => {
      void this.#record(subject, { outcome: 'done', address, detail: { audience } })
      return token
    }
    return exchanged instanceof Promise ? exchanged.then(done) : done(exchanged)
  }

  #record(subject: Auth | undefined, what: Pick<AuditEntry, 'outcome' | 'address' | 'detail'>): Promise<void> {
    const account = subject?.subject ?? null
    const session = subject?.sessionId
    return this.#options.audit.tally({ event: 'token_exchange', ...what, actor: account, account, session })
  }

  #signerFor(audience: string): Latchkey {
    const signer = this.#signers.get(audience)
    if (signer === undefined) throw new Problem('audience_refused')
    return signer
  }

  #sign(signer: Latchkey, auth: Auth): MaybePromise<ExchangedToken> {
    const { subject, sessionId, expiresAt } = auth
    const remainingSec = Math.floor(expiresAt - this.#options.clock.now() / 1000)
    if (!(remainingSec >= 1)) throw new Problem('subject_token_refused')
    const issued = signer.issue({
      subject,
      claims: { client_id: signInClientId, ...claimsOfRights(auth) },
      expiresIn: Math.min(maxLifetimeSec, remainingSec),
      ...(sessionId === undefined ? {} : { sessionId }),
    })
    return issued instanceof Promise ? issued.then(exchangedToken) : exchangedToken(issued)
  }

  async #verify(subjectToken: string) {
    try {
      return await this.#options.latchkey.verify(subjectToken)
    } catch (error) {
      if (isLatchkeyError(error) && error.status === 401) throw new Problem('subject_token_refused', { cause: error })
      throw error
    }
  }
}

function exchangedToken({ token, expiresIn }: IssuedToken): ExchangedToken {
  return { accessToken: token, expiresInSec: expiresIn }
}
