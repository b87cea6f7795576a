import { LatchkeyError } from 'latchkey'
import type { SqlClient } from 'latchkey/sql'
import type { Core } from '../core.js'
import { factorFailures } from '../factors/failures.js'
import type { Passkeys } from '../factors/passkeys.js'
import type { TotpFactors } from '../factors/totp.js'
import type { PasskeyAssertion } from '../factors/webauthn.js'
import { isProblem, type Problem } from '../problem.js'
import { attemptAt, type GuessGuard } from '../protection/guess-guard.js'
import type { RequestOrigin } from '../request-origin.js'
import type { Acting, Actors } from '../sessions/actors.js'
import { type AuthMethod, methodsIn } from '../sessions/auth-methods.js'
import { findSession, type Session } from '../sessions/session-table.js'
import type { Sessions } from '../sessions/sessions.js'
import * as table from './account-table.js'
import { accountFailures } from './failures.js'
import type { Reauthentication } from './reauthentication.js'
import { secondFactorsOf } from './recent-authentication.js'
import { recordDelay } from './record-delay.js'
import type { SignedIn } from './signed-in.js'

/** A second factor that the owner of a session shows. */
export type SecondFactorProof =
  | { readonly code: string }
  | { readonly challengeToken: string; readonly passkey: PasskeyAssertion }

/** The codes of proofs that are wrong, which count as guesses. */
const wrongProofs = ['second_factor_wrong', 'passkey_refused']

interface Dependencies {
  readonly actors: Actors
  readonly guesses: GuessGuard
  readonly sessions: Sessions
  readonly reauthentication: Reauthentication
  readonly totp: TotpFactors
  readonly passkeys: Passkeys
}

/**
 * The check of a step-up in its transaction. Returns the methods by which the owner authenticated.
 */
type Check = (client: SqlClient, account: table.Account) => Promise<readonly AuthMethod[]>

/**
 * Renews a session after its owner has authenticated again (RFC 9470). The session gets another ID,
 * as at every change of privilege: a token from before, stolen or fixed, does not become stronger.
 */
export class StepUp {
  readonly #core: Core
  readonly #dependencies: Dependencies

  constructor(core: Core, dependencies: Dependencies) {
    this.#core = core
    this.#dependencies = dependencies
  }

  /**
   * Renews the session by the password, of an account without a second factor.
   *
   * @throws Problem `password_insufficient`, `password_wrong`, `guess_delayed`, `overloaded`; the
   * codes of `Actors.lock`
   */
  async byPassword(acting: Acting, password: string, origin: RequestOrigin): Promise<SignedIn> {
    const { store } = this.#core
    await requireNoSecondFactor(store, acting)
    const context = { event: 'step_up', origin } as const
    const stored = await this.#dependencies.reauthentication.checkPassword(acting, password, context)
    return this.#renew(acting, origin, async (client) => {
      // The password and the factors may have been changed meanwhile.
      const latest = await table.findStoredAccount(client, acting.accountId)
      if (latest?.passwordHash !== stored.passwordHash) throw accountFailures.refusal('password_wrong')
      await requireNoSecondFactor(client, acting)
      return ['pwd']
    })
  }

  /**
   * Renews the session by a second factor. A wrong one counts as a guess, for all sessions of the
   * account: otherwise a thief of the password would guess on in new sessions.
   *
   * @throws Problem `guess_delayed`, `second_factor_blocked`, `second_factor_wrong`,
   * `passkey_refused`, `challenge_invalid`; the codes of `Actors.lock`
   */
  async bySecondFactor(acting: Acting, proof: SecondFactorProof, origin: RequestOrigin): Promise<SignedIn> {
    const { audit } = this.#core
    const { guesses } = this.#dependencies
    const actor = { ...acting, address: origin.address }
    const recalled = await guesses.recall(attemptAt(acting.accountId, origin, undefined))
    const { bucket, isExhausted } = await recordDelay(audit, guesses.admitCode(recalled), { actor })
    const attempt: { signedIn?: SignedIn; refused?: Problem } = {}
    await guesses.settle(bucket, async () => {
      try {
        if ('code' in proof && isExhausted) throw factorFailures.refusal('second_factor_blocked')
        attempt.signedIn = await this.#renew(acting, origin, (client) => this.#verify(client, acting, proof, origin))
      } catch (error) {
        if (!(isProblem(error) && wrongProofs.includes(error.code))) throw error
        attempt.refused = error
      }
      return attempt.signedIn !== undefined
    })
    if (attempt.signedIn !== undefined) return attempt.signedIn
    await audit.countRefused('step_up', actor, { detail: { reason: attempt.refused?.code ?? '' } })
    throw attempt.refused
  }

  /** Returns the methods of a right proof, and records its use. */
  async #verify(
    client: SqlClient,
    { accountId, sessionId }: Acting,
    proof: SecondFactorProof,
    { address }: RequestOrigin,
  ): Promise<readonly AuthMethod[]> {
    const { totp, passkeys } = this.#dependencies
    if ('passkey' in proof) {
      const answer = { purpose: 'passkey_step_up', accountId, sessionId, ...proof } as const
      return (await passkeys.answer(client, answer, address ?? undefined)).methods
    }
    await requirePasswordSession(client, sessionId)
    const isRight = (await totp.verify(client, accountId, proof.code)) !== undefined
    if (!isRight) throw factorFailures.refusal('second_factor_wrong')
    return ['pwd', 'otp', 'mfa']
  }

  /** Checks, renews the session and records it, in one transaction (C5), and signs new tokens. */
  async #renew(acting: Acting, origin: RequestOrigin, check: Check): Promise<SignedIn> {
    const { store, audit } = this.#core
    const { actors, sessions } = this.#dependencies
    const { accountId, sessionId } = acting
    const renewed = await store.transaction(async (client): Promise<{ account: table.Account; session: Session }> => {
      await actors.lock(client, acting)
      const account = await table.findAccount(client, accountId)
      if (account === undefined) throw new LatchkeyError('token_revoked')
      const methods = await check(client, account)
      const session = await sessions.stepUp(client, { id: sessionId, accountId }, { origin, methods })
      const detail = { methods: methods.join(' '), earlier_session: sessionId }
      await audit.done(client, 'step_up', { accountId, sessionId: session.id, address: origin.address }, { detail })
      return { account, session }
    })
    return { account: renewed.account, tokens: await sessions.tokensFor(renewed.session) }
  }
}

/**
 * Throws `mail_insufficient` for a session that began with an e-mail and one factor. With a code,
 * it would not have two factors, because e-mail is none (NIST SP 800-63B-4 §3.1.3).
 */
async function requirePasswordSession(client: SqlClient, sessionId: string): Promise<void> {
  const session = await findSession(client, sessionId)
  const methods = methodsIn(session?.amr ?? '')
  if (methods.includes('mail') && !methods.includes('mfa')) throw factorFailures.refusal('mail_insufficient')
}

async function requireNoSecondFactor(client: SqlClient, { accountId }: Acting): Promise<void> {
  const methods = await secondFactorsOf(client, accountId)
  if (methods.length > 0) throw accountFailures.refusal('password_insufficient', { extensions: { methods } })
}
