import {
  type Auth,
  createLatchkey,
  type IssuedToken,
  isLatchkeyError,
  type KeySource,
  type Latchkey,
  type MaybePromise,
} from 'latchkey'
import { claimOfImpersonator, claimsOfAuthentication, impersonatorOf } from '../authentication-claims.js'
import type { Configuration } from '../config/configuration.js'
import type { Core } from '../core.js'
import { claimsOfRights } from '../grants.js'
import { isProblem } from '../problem.js'
import type { AudienceUses } from './audience-uses.js'
import { exchangeFailures } from './failures.js'

/** The parts of other domains that the exchange uses. */
export interface ExchangeDependencies {
  /** The key pair that signs for other services, which verify by its JWKS. */
  readonly serviceKeys: KeySource
  /** Verifies subject tokens. */
  readonly latchkey: Latchkey
  readonly uses: AudienceUses
  /** Returns whether the administrator whom a token names (`act`) is that of its stored session. */
  readonly hasImpersonator: (auth: Auth) => Promise<boolean>
}

/** A token for another service. */
export interface ExchangedToken {
  readonly accessToken: string
  readonly expiresInSec: number
}

/** Tokens for other services cannot be revoked, so they are short-lived. */
const maxLifetimeSec = 300

/**
 * The `client_id` (required by RFC 9068 §2.2) of an account's token, which the sign-in of this
 * server issued and no registered client. No client has this ID, and it differs from `sub`, so that
 * the account is not mistaken for a client.
 */
const signInClientId = 'latchkey'

/**
 * Exchanges access tokens of this server for tokens that other services verify offline (RFC 8693).
 */
export class TokenExchange {
  readonly #core: Pick<Core, 'audit' | 'clock'>
  readonly #latchkey: Latchkey
  readonly #defaultAudience: string
  readonly #uses: AudienceUses
  readonly #hasImpersonator: ExchangeDependencies['hasImpersonator']
  readonly #signers: ReadonlyMap<string, Latchkey>

  constructor(
    core: Pick<Core, 'audit' | 'clock'>,
    { serviceKeys: keys, latchkey, uses, hasImpersonator }: ExchangeDependencies,
    { issuer, serviceAudiences }: Pick<Configuration, 'issuer' | 'serviceAudiences'>,
  ) {
    const { clock } = core
    this.#core = core
    this.#latchkey = latchkey
    this.#uses = uses
    this.#hasImpersonator = hasImpersonator
    this.#defaultAudience = serviceAudiences[0]
    this.#signers = new Map(
      serviceAudiences.map((audience) => [
        audience,
        createLatchkey({ issuer, audience, keys, clock, accessTokenTtl: maxLifetimeSec, tokenCache: false }),
      ]),
    )
  }

  /**
   * Issues a token for the audience that is valid for five minutes, and no longer than the subject
   * token.
   *
   * @throws Problem `subject_token_refused`, `audience_refused`; LatchkeyError `store_unavailable`
   */
  async exchange(subjectToken: string, audience: string | undefined, address: string): Promise<ExchangedToken> {
    let subject: Auth | undefined
    try {
      subject = await this.#verify(subjectToken)
      return await this.exchangeVerified(subject, audience ?? this.#defaultAudience, address)
    } catch (error) {
      // Not awaited, so that the response to leaked secrets gets the address of the request at
      // once.
      if (isProblem(error)) {
        // The claim `act` may be the reason of the refusal.
        const actor = { ...actorOf(subject, address), impersonatorId: undefined }
        void this.#core.audit.countRefused('token_exchange', actor, { detail: { reason: error.code } })
      }
      throw error
    }
  }

  /**
   * Does the same for a verified subject token; returns no promise if the key is in memory.
   *
   * @throws Problem `subject_token_refused` in the token's last second, and for a forged `act`;
   * else as `exchange`
   */
  exchangeVerified(subject: Auth, audience: string, address: string): MaybePromise<ExchangedToken> {
    const signer = this.#signerFor(audience)
    const isOwner = impersonatorOf(subject) === undefined
    const exchanged = isOwner ? this.#sign(signer, subject) : this.#signImpersonated(signer, subject)
    // Not awaited, because the answer is synchronous where the key is in memory. Neither rejects.
    const done = (token: ExchangedToken) => {
      if (subject.sessionId !== undefined) void this.#uses.record(subject.sessionId, audience)
      void this.#core.audit.countDone('token_exchange', actorOf(subject, address), { detail: { audience } })
      return token
    }
    return exchanged instanceof Promise ? exchanged.then(done) : done(exchanged)
  }

  #signerFor(audience: string): Latchkey {
    const signer = this.#signers.get(audience)
    if (signer === undefined) throw exchangeFailures.refusal('audience_refused')
    return signer
  }

  /** An attacker with the signing secret of an account could name any administrator. */
  async #signImpersonated(signer: Latchkey, auth: Auth): Promise<ExchangedToken> {
    if (!(await this.#hasImpersonator(auth))) throw exchangeFailures.refusal('subject_token_refused')
    return this.#sign(signer, auth)
  }

  #sign(signer: Latchkey, auth: Auth): MaybePromise<ExchangedToken> {
    const { subject, sessionId, expiresAt } = auth
    const remainingSec = Math.floor(expiresAt - this.#core.clock.now() / 1000)
    if (!(remainingSec >= 1)) throw exchangeFailures.refusal('subject_token_refused')
    const issued = signer.issue({
      subject,
      claims: {
        client_id: signInClientId,
        ...claimsOfAuthentication(auth),
        ...claimsOfRights(auth),
        ...claimOfImpersonator(impersonatorOf(auth)),
      },
      expiresIn: Math.min(maxLifetimeSec, remainingSec),
      ...(sessionId === undefined ? {} : { sessionId }),
    })
    return issued instanceof Promise ? issued.then(exchangedToken) : exchangedToken(issued)
  }

  async #verify(subjectToken: string) {
    try {
      return await this.#latchkey.verify(subjectToken)
    } catch (error) {
      if (isLatchkeyError(error) && error.status === 401)
        throw exchangeFailures.refusal('subject_token_refused', { cause: error })
      throw error
    }
  }
}

function actorOf(subject: Auth | undefined, address: string) {
  if (subject === undefined) return { accountId: null, address }
  const { subject: accountId, sessionId } = subject
  return { accountId, sessionId, impersonatorId: impersonatorOf(subject), address }
}

function exchangedToken({ token, expiresIn }: IssuedToken): ExchangedToken {
  return { accessToken: token, expiresInSec: expiresIn }
}
