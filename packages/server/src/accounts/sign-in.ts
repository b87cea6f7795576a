import { isLatchkeyError } from 'latchkey'
import type { SqlClient } from 'latchkey/sql'
import type { Configuration } from '../config/configuration.js'
import type { Core } from '../core.js'
import type { Outbox } from '../mail/outbox.js'
import { isProblem } from '../problem.js'
import { type Admission, attemptAt, type GuessGuard } from '../protection/guess-guard.js'
import type { RequestOrigin } from '../request-origin.js'
import type { Session } from '../sessions/session-table.js'
import type { PreparedSession, Sessions } from '../sessions/sessions.js'
import * as table from './account-table.js'
import type { DeviceConfirmation } from './device-confirmation.js'
import { tryCanonicalEmail } from './email-address.js'
import { accountFailures } from './failures.js'
import type { PasswordQueue, PasswordTask } from './password-queue.js'
import { recordDelay } from './record-delay.js'
import type { SecondStep } from './second-step.js'
import { signInRefusal } from './sign-in-rule.js'
import type { SignedIn } from './signed-in.js'

interface Dependencies {
  readonly secondStep: SecondStep
  readonly sessions: Sessions
  readonly passwords: PasswordQueue
  readonly guesses: GuessGuard
  readonly confirmations: DeviceConfirmation
  readonly outbox: Outbox
}

/** A login that has been admitted. */
interface AdmittedLogin {
  readonly email: string
  readonly password: string
  readonly admission: Admission
  readonly origin: RequestOrigin
  readonly task: PasswordTask
}

/** A login whose password was right. */
interface CheckedLogin {
  readonly account: table.StoredAccount
  /** Whether the password needs a new hash. */
  readonly rehash: boolean
}

/** A session that begins after a right password. */
interface BeginningSession extends Pick<AdmittedLogin, 'admission' | 'origin'> {
  readonly account: table.StoredAccount
  /** The new hash of the password, if it needs one. */
  readonly passwordHash: string | undefined
  readonly session: Session
}

/** The refusals of a login whose password was right. */
const afterRightPassword: ReadonlySet<string> = new Set([
  'account_disabled',
  'email_unverified',
  'second_factor_required',
])

/** Attempts of one login if its hash is replaced while it is checked. */
const maxLoginAttempts = 2

/** Signs accounts in by their passwords. */
export class SignIn {
  readonly #core: Core
  readonly #dependencies: Dependencies
  readonly #settings: Pick<Configuration, 'unverifiedSignIn'>

  constructor(core: Core, dependencies: Dependencies, settings: Pick<Configuration, 'unverifiedSignIn'>) {
    this.#core = core
    this.#dependencies = dependencies
    this.#settings = settings
  }

  /**
   * Opens a session if the password is right. The work and the code `invalid_credentials` are the
   * same whether or not the account exists. `device`: the device token of the request.
   *
   * @throws Problem `invalid_credentials`; `account_disabled`, `email_unverified` and
   * `second_factor_required` only if the password was right; `guess_delayed` before the password is
   * compared; `device_confirmation_required` for any password; `overloaded`
   */
  async login(input: { email: string; password: string }, origin: RequestOrigin, device?: string): Promise<SignedIn> {
    const { store, audit } = this.#core
    const { passwords, guesses } = this.#dependencies
    const email = tryCanonicalEmail(input.email)
    const found = await table.findStoredAccountByEmail(store, email)
    const attempt = await guesses.recall(attemptAt(found?.id ?? email, origin, device))
    const { account, knownDevice: token } = attempt
    const known = token === undefined ? undefined : { account, token }
    const task = { use: 'login', origin, device: known } as const
    // Before the attempt is counted, because an overloaded server must not cost users an attempt.
    passwords.checkRoom(task)
    const actor = { accountId: null, address: origin.address }
    const admission = await recordDelay(audit, guesses.admit(attempt), { actor, account: found?.id ?? null })
    try {
      return await this.#signIn(found, { password: input.password, email, admission, origin, task })
    } catch (error) {
      await this.#refund(admission, error)
      throw error
    }
  }

  /**
   * Checks the password and opens the session. Repeats it once if the hash was replaced meanwhile.
   */
  async #signIn(first: table.StoredAccount | undefined, input: AdmittedLogin): Promise<SignedIn> {
    let found = first
    for (let attempt = 0; attempt < maxLoginAttempts; attempt += 1) {
      const checked = await this.#checkCredentials(found, input)
      const signedIn = await this.#openFor(checked, input)
      if (signedIn !== undefined) return signedIn
      found = await table.findStoredAccountByEmail(this.#core.store, input.email)
    }
    throw accountFailures.refusal('invalid_credentials')
  }

  async #checkCredentials(found: table.StoredAccount | undefined, input: AdmittedLogin): Promise<CheckedLogin> {
    const { passwords, confirmations } = this.#dependencies
    const { email, admission, origin } = input
    const { matches, rehash } = await passwords.compare(input.task, input.password, found?.passwordHash)
    await confirmations.require({ email, account: found, passwordMatches: matches, admission }, origin)
    const refusal = matches && found !== undefined ? signInRefusal(found, this.#settings) : 'invalid_credentials'
    if (found !== undefined && refusal === undefined) return { account: found, rehash }
    const reason = refusal ?? 'invalid_credentials'
    const actor = { accountId: null, address: origin.address }
    await this.#core.audit.countRefused('login', actor, { account: found?.id ?? null, detail: { reason } })
    throw accountFailures.refusal(reason)
  }

  /** Refunds the attempt if the login was refused for another reason than its password. */
  async #refund(admission: Admission, error: unknown): Promise<void> {
    const code = isProblem(error) ? error.code : undefined
    // If a device must be confirmed, later delays must not reveal whether the password was right.
    if (code === 'invalid_credentials' || code === 'device_confirmation_required') return
    await this.#dependencies.guesses.refund(admission, { wasRight: code !== undefined && afterRightPassword.has(code) })
  }

  /**
   * Opens a session after a right password, and stores a new hash if one is due. Returns
   * `undefined` if the account is no longer as it was read: another login may have replaced the
   * hash, the password was changed, or a second factor was added.
   *
   * @throws Problem `second_factor_required`
   */
  async #openFor(
    { account, rehash }: CheckedLogin,
    { password, admission, origin, task }: AdmittedLogin,
  ): Promise<SignedIn | undefined> {
    const { passwords, sessions, secondStep } = this.#dependencies
    const passwordHash = rehash ? await passwords.hash(task, password) : undefined
    const needsSecondFactor =
      account.secondFactor !== 0 && !(await secondStep.isTrusted(this.#core.store, account.id, admission.device))
    if (needsSecondFactor) {
      await secondStep.require({ account, passwordHash, admission, origin })
      return undefined
    }
    const prepared = await this.#prepare(account, origin)
    if (prepared === undefined) return undefined
    const { session, tokens } = prepared
    const hasBegun = await this.#begin({ account, passwordHash, session, admission, origin })
    if (hasBegun) return { account: table.withoutHash(account), tokens, deviceToken: admission.device }
    await sessions.discard(session)
    return undefined
  }

  /** Returns `undefined` if the account has been disabled meanwhile. */
  async #prepare({ id }: table.Account, origin: RequestOrigin): Promise<PreparedSession | undefined> {
    try {
      return await this.#dependencies.sessions.prepare(id, { origin, methods: ['pwd'] })
    } catch (error) {
      const isDisabled = isLatchkeyError(error) && error.code === 'tenant_disabled'
      if (isDisabled && (await table.findAccount(this.#core.store, id))?.disabledAt !== null) return undefined
      throw error
    }
  }

  /**
   * Records the sign-in and stores its session, in one transaction. Returns `false` if the account
   * is not the checked one any more.
   */
  #begin({ account, passwordHash, session, admission, origin }: BeginningSession): Promise<boolean> {
    const { store, audit, clock } = this.#core
    const { sessions, guesses, outbox } = this.#dependencies
    const { address, userAgent } = origin
    return store.transaction(async (client) => {
      if (!(await this.#mayOmitSecondFactor(client, account, admission))) return false
      const at = clock.now()
      const entry = await audit.changeOnDone('login', { accountId: account.id, sessionId: session.id, address })
      const begun = await sessions.begin(client, session, {
        first: table.signInRecorded(account, { nowMs: at, passwordHash }),
        others: [...guesses.changesOnSuccess(admission), entry],
      })
      if (begun === undefined) return false
      // Same lock order as everywhere: the counts of e-mails before the tenant of ended sessions.
      if (!admission.deviceKnown) await outbox.notify(client, account, { kind: 'new_device', at, address, userAgent })
      if (begun.mayExceed) await sessions.endExcess(client, session, origin)
      return true
    })
  }

  /**
   * Returns whether the session may begin without a second factor. The account was read without
   * one: then `signInRecorded` finds a factor that was added since. Or the device is trusted, which
   * is checked under the lock of the account, because its end takes the same lock.
   */
  async #mayOmitSecondFactor(
    client: SqlClient,
    { id, secondFactor }: table.StoredAccount,
    { device }: Admission,
  ): Promise<boolean> {
    if (secondFactor === 0) return true
    await table.lockAccount(client, id)
    return this.#dependencies.secondStep.isTrusted(client, id, device)
  }
}
