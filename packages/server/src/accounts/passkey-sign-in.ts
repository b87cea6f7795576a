import { isLatchkeyError } from 'latchkey'
import type { Configuration } from '../config/configuration.js'
import type { Core } from '../core.js'
import type { Challenges } from '../factors/challenges.js'
import { factorFailures } from '../factors/failures.js'
import type { AssertionOptions, BegunCeremony, CheckedAssertion, Passkeys } from '../factors/passkeys.js'
import type { PasskeyAssertion } from '../factors/webauthn.js'
import type { Outbox } from '../mail/outbox.js'
import { isProblem } from '../problem.js'
import { attemptAt, type GuessGuard, type RecalledAttempt } from '../protection/guess-guard.js'
import type { RequestOrigin } from '../request-origin.js'
import type { Session } from '../sessions/session-table.js'
import type { PreparedSession, Sessions } from '../sessions/sessions.js'
import * as table from './account-table.js'
import { cancelFactorReset } from './cancel-factor-reset.js'
import { accountFailures } from './failures.js'
import { signInRefusal } from './sign-in-rule.js'
import type { SignedIn } from './signed-in.js'

interface Dependencies {
  readonly challenges: Challenges
  readonly passkeys: Passkeys
  readonly sessions: Sessions
  readonly guesses: GuessGuard
  readonly outbox: Outbox
}

/** The answer of an authenticator to a challenge. */
export interface PasskeyAnswer {
  readonly challengeToken: string
  readonly passkey: PasskeyAssertion
}

/** A session that begins after a right assertion. */
interface BeginningSession {
  readonly account: table.Account
  readonly checked: CheckedAssertion
  readonly session: Session
  readonly attempt: RecalledAttempt
  readonly origin: RequestOrigin
}

/**
 * Signs accounts in by a passkey alone. The passkey names the account and verifies its user, so
 * that no name, no password and no second factor is asked for.
 */
export class PasskeySignIn {
  readonly #core: Core
  readonly #dependencies: Dependencies
  readonly #settings: Pick<Configuration, 'unverifiedSignIn'>

  constructor(core: Core, dependencies: Dependencies, settings: Pick<Configuration, 'unverifiedSignIn'>) {
    this.#core = core
    this.#dependencies = dependencies
    this.#settings = settings
  }

  /** Issues a challenge that the passkey of any account may sign. */
  begin(): Promise<BegunCeremony<AssertionOptions>> {
    const holder = { accountId: null, sessionId: null }
    return this.#dependencies.passkeys.begin(this.#core.store, 'passkey_sign_in', holder)
  }

  /**
   * Opens a session if the assertion is right. A challenge is used up by its first answer, right or
   * wrong. `device`: the device token of the request.
   *
   * @throws Problem `challenge_invalid`, `passkey_refused`; `account_disabled` and
   * `email_unverified` only if the assertion was right
   */
  async signIn(answer: PasskeyAnswer, origin: RequestOrigin, device?: string): Promise<SignedIn> {
    try {
      return await this.#signIn(answer, origin, device)
    } catch (error) {
      if (isProblem(error) && refusals.has(error.code)) {
        const actor = { accountId: null, address: origin.address }
        await this.#core.audit.countRefused('login', actor, { detail: { reason: error.code, method: 'passkey' } })
      }
      throw error
    }
  }

  async #signIn({ challengeToken, passkey }: PasskeyAnswer, origin: RequestOrigin, device?: string) {
    const { store } = this.#core
    const { challenges, passkeys, guesses, sessions } = this.#dependencies
    const { data } = await challenges.redeem(store, challengeToken, 'passkey_sign_in')
    const checked = await passkeys.check(store, data.challenge, passkey, { address: origin.address })
    const account = await table.findAccount(store, checked.factor.accountId)
    if (account === undefined) throw factorFailures.refusal('passkey_refused')
    this.#checkMaySignIn(account)
    const attempt = await guesses.recall(attemptAt(account.id, origin, device))
    const { session, tokens } = await this.#prepare(account, checked, origin)
    try {
      await this.#begin({ account, checked, session, attempt, origin })
    } catch (error) {
      if (isProblem(error)) await sessions.discard(session)
      throw error
    }
    return { account, tokens, deviceToken: attempt.token }
  }

  #checkMaySignIn(account: table.Account): void {
    const refusal = signInRefusal(account, this.#settings)
    if (refusal !== undefined) throw accountFailures.refusal(refusal)
  }

  async #prepare(
    { id }: table.Account,
    { methods }: CheckedAssertion,
    origin: RequestOrigin,
  ): Promise<PreparedSession> {
    try {
      return await this.#dependencies.sessions.prepare(id, { origin, methods })
    } catch (error) {
      const isDisabled = isLatchkeyError(error) && error.code === 'tenant_disabled'
      const latest = isDisabled ? await table.findAccount(this.#core.store, id) : undefined
      if (latest !== undefined) this.#checkMaySignIn(latest)
      throw error
    }
  }

  /**
   * Records the use of the passkey and the sign-in, and stores the session, in one transaction. The
   * account is locked first: then the passkey cannot be removed, and the account cannot be
   * disabled, until the session exists, so that these end it as well.
   */
  #begin({ account, checked, session, attempt, origin }: BeginningSession): Promise<void> {
    const { store, audit, clock } = this.#core
    const { passkeys, sessions, guesses, outbox } = this.#dependencies
    const { address, userAgent } = origin
    const { network, token, names } = attempt
    return store.transaction(async (client) => {
      // Locked first, so that the passkey and a planned reset of the factors are the latest.
      const locked = await table.lockAccount(client, account.id)
      if (locked === undefined || !(await passkeys.record(client, checked)))
        throw factorFailures.refusal('passkey_refused')
      await cancelFactorReset(client, this.#core, locked, { accountId: locked.id, address: origin.address })
      const at = clock.now()
      const actor = { accountId: account.id, sessionId: session.id, address }
      const detail = { method: 'passkey', factor: checked.factor.id }
      const entry = await audit.changeOnDone('login', actor, { detail })
      // Failures of passwords from this network stay: only the device has shown the owner's passkey.
      const known = guesses.changesOnSuccess({ account: account.id, network, device: token, bucket: names.device })
      const begun = await sessions.begin(client, session, {
        first: table.passwordlessSignInRecorded(account, at),
        others: [...known, entry],
      })
      if (begun === undefined) throw accountFailures.refusal('account_disabled')
      // Same lock order as everywhere: the counts of e-mails before the tenant of ended sessions.
      const isKnown = attempt.knownDevice !== undefined
      if (!isKnown) await outbox.notify(client, account, { kind: 'new_device', at, address, userAgent })
      if (begun.mayExceed) await sessions.endExcess(client, session, origin)
    })
  }
}

/** The refusals that the audit log counts. */
const refusals: ReadonlySet<string> = new Set([
  'challenge_invalid',
  'passkey_refused',
  'account_disabled',
  'email_unverified',
])
