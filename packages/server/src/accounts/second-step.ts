import type { SqlClient } from 'latchkey/sql'
import type { Configuration } from '../config/configuration.js'
import type { Core } from '../core.js'
import type { Challenges } from '../factors/challenges.js'
import { type FactorKind, listFactors } from '../factors/factor-table.js'
import { factorFailures } from '../factors/failures.js'
import type { Passkeys } from '../factors/passkeys.js'
import { countRecoveryCodes, redeemRecoveryCode } from '../factors/recovery-codes.js'
import type { TotpFactors } from '../factors/totp.js'
import type { TrustedDevices } from '../factors/trusted-devices.js'
import type { PasskeyAssertion } from '../factors/webauthn.js'
import type { Outbox } from '../mail/outbox.js'
import { isProblem, type Problem } from '../problem.js'
import { type Admission, attemptAt, type CodeAdmission, type GuessGuard } from '../protection/guess-guard.js'
import type { RequestOrigin } from '../request-origin.js'
import { type AuthMethod, methodsOfBoth } from '../sessions/auth-methods.js'
import type { Session } from '../sessions/session-table.js'
import type { Sessions } from '../sessions/sessions.js'
import * as table from './account-table.js'
import { cancelFactorReset } from './cancel-factor-reset.js'
import { accountFailures } from './failures.js'
import { recordDelay } from './record-delay.js'
import { signInRefusal } from './sign-in-rule.js'
import type { SignedIn } from './signed-in.js'

/** The ways to answer the second step of a sign-in. */
export type SecondFactorMethod = FactorKind | 'recovery_code'

/** The answer of a client to the second step. */
export type SecondFactorAnswer =
  | { readonly method: 'totp' | 'recovery_code'; readonly code: string }
  | { readonly method: 'passkey'; readonly assertion: PasskeyAssertion }

interface Dependencies {
  readonly sessions: Sessions
  readonly guesses: GuessGuard
  readonly outbox: Outbox
  readonly challenges: Challenges
  readonly totp: TotpFactors
  readonly trustedDevices: TrustedDevices
  readonly passkeys: Passkeys
}

/** A sign-in whose password was right. */
export interface FirstStep {
  readonly account: table.StoredAccount
  /** The new hash of the password, if it needs one. */
  readonly passwordHash: string | undefined
  readonly admission: Admission
  readonly origin: RequestOrigin
}

/** The account and the client of a first step. */
export interface FirstStepClient {
  readonly account: Pick<table.Account, 'id'>
  readonly admission: Pick<Admission, 'device'>
}

/** The members of the refusal that asks for the second step. */
export type SecondStepChallenge = Readonly<Record<string, unknown>>

/** The second step, as the client sends it. */
export interface SecondStepInput {
  readonly challengeToken: string
  readonly answer: SecondFactorAnswer
  /** Whether the next sign-ins on this device need no second factor for a time. */
  readonly trustDevice?: boolean | undefined
}

/** An admitted second step. */
interface AdmittedStep extends SecondStepInput {
  readonly accountId: string
  readonly origin: RequestOrigin
  readonly device: string | undefined
  readonly deviceKnown: boolean
  readonly admission: CodeAdmission
}

/** A session that the second step has opened. */
interface OpenedSession {
  readonly account: table.Account
  readonly session: Session
  readonly deviceToken: string
}

/** The time in which the second step must be completed (OWASP ASVS 5.0, 6.5.5). */
const challengeTtlSec = 600

/**
 * The second step of a sign-in with a password or by mail, for accounts with a second factor. The
 * first step opens no session and makes no device known.
 */
export class SecondStep {
  readonly #core: Core
  readonly #dependencies: Dependencies
  readonly #settings: Pick<Configuration, 'unverifiedSignIn'>

  constructor(core: Core, dependencies: Dependencies, settings: Pick<Configuration, 'unverifiedSignIn'>) {
    this.#core = core
    this.#dependencies = dependencies
    this.#settings = settings
  }

  /** Whether the owner may trust the device of a sign-in. */
  get offersTrust(): boolean {
    return this.#dependencies.trustedDevices.isEnabled
  }

  /**
   * Returns whether the account signs in on this device without its second factor. The caller
   * checks it again in the transaction that opens the session.
   */
  async isTrusted(client: SqlClient, accountId: string, deviceToken: string): Promise<boolean> {
    const { guesses, trustedDevices } = this.#dependencies
    const name = guesses.nameOfDevice(deviceToken, accountId)
    return name !== undefined && (await trustedDevices.isTrusted(client, { name, accountId }))
  }

  /**
   * Refuses a sign-in whose password was right with a challenge for the second step. Returns if the
   * compared hash is no longer the stored one, or if the account is disabled.
   *
   * @throws Problem `second_factor_required`
   */
  async require(step: FirstStep): Promise<void> {
    const challenge = await this.#core.store.transaction((client) => this.#challenge(client, step))
    if (challenge !== undefined) throw await this.refusal(challenge, step)
  }

  /**
   * Returns the refusal of a sign-in whose first factor was right, and counts it in the audit log.
   */
  async refusal(
    challenge: SecondStepChallenge,
    { account, admission, origin }: Pick<FirstStep, 'origin'> & FirstStepClient,
  ): Promise<Problem> {
    const actor = { accountId: null, address: origin.address }
    const detail = { reason: 'second_factor_required' }
    await this.#core.audit.countRefused('login', actor, { account: account.id, detail })
    return factorFailures.refusal('second_factor_required', {
      extensions: { ...challenge, device_token: admission.device },
    })
  }

  /**
   * Opens the session if the answer is right. Only the device of the first step can complete it.
   *
   * @throws Problem `challenge_invalid`, `second_factor_wrong`, `second_factor_blocked`,
   * `guess_delayed`, `account_disabled`, `email_unverified`
   */
  async complete(input: SecondStepInput, origin: RequestOrigin, device?: string): Promise<SignedIn> {
    const { audit } = this.#core
    const { guesses, challenges, sessions } = this.#dependencies
    const { accountId, data } = await challenges.find(input.challengeToken, 'second_factor')
    if (accountId === null || guesses.nameOfDevice(device, accountId) !== data.device)
      throw factorFailures.refusal('challenge_invalid')
    const recalled = await guesses.recall(attemptAt(accountId, origin, device))
    const actor = { accountId: null, address: origin.address }
    const admission = await recordDelay(audit, guesses.admitCode(recalled), { actor, account: accountId })
    const deviceKnown = recalled.knownDevice !== undefined
    let opened: OpenedSession | undefined
    const refuse = (reason: string) =>
      audit.countRefused('second_factor', actor, {
        account: accountId,
        detail: { reason, method: input.answer.method },
      })
    try {
      await guesses.settle(admission.bucket, async () => {
        opened = await this.#open({ ...input, accountId, origin, device, deviceKnown, admission })
        return opened !== undefined
      })
    } catch (error) {
      if (isProblem(error) && error.code === 'second_factor_blocked') await refuse(error.code)
      throw error
    }
    if (opened === undefined) {
      await refuse('second_factor_wrong')
      if (admission.isAlarming && data.methods.includes('pwd')) await this.#alarm(accountId)
      throw factorFailures.refusal('second_factor_wrong')
    }
    const { account, session, deviceToken } = opened
    return { account, tokens: await sessions.tokensFor(session), deviceToken }
  }

  /**
   * Issues the challenge if the checked password is still that of the account, and returns the
   * members of the refusal. The condition also locks the account: a change of the password revokes
   * all challenges.
   */
  async #challenge(client: SqlClient, { account, passwordHash, admission }: FirstStep) {
    const change = { passwordHash: passwordHash ?? account.passwordHash }
    const current = await table.updateAccount(client, account, change)
    if (current === undefined || current.disabledAt !== null || current.secondFactor === 0) return undefined
    return this.challenge(client, { account, admission }, ['pwd'])
  }

  /**
   * Issues the challenge for an account with a second factor, in the caller's transaction, which
   * has locked the account.
   *
   * @param first - The methods of the first step.
   * @returns the members of the refusal
   */
  async challenge(
    client: SqlClient,
    { account, admission }: FirstStepClient,
    first: readonly AuthMethod[],
  ): Promise<SecondStepChallenge> {
    const { guesses, challenges, passkeys } = this.#dependencies
    const methods = await this.#methodsOf(client, account.id)
    const options = methods.includes('passkey') ? await passkeys.request(client, account.id) : undefined
    const device = guesses.nameOfDevice(admission.device, account.id) ?? ''
    const data = { methods: first, device, ...(options === undefined ? {} : { passkey: options.challenge }) }
    const challenge = { purpose: 'second_factor', accountId: account.id, sessionId: null, data } as const
    const { token } = await challenges.issue(client, challenge, challengeTtlSec)
    const further = options === undefined ? {} : { passkey_options: options }
    return { challenge_token: token, methods, expires_in: challengeTtlSec, ...further }
  }

  async #methodsOf(client: SqlClient, accountId: string): Promise<readonly SecondFactorMethod[]> {
    const factors = await listFactors(client, accountId)
    const has = (kind: FactorKind) => factors.some((one) => one.kind === kind && one.confirmedAt !== null)
    const methods: SecondFactorMethod[] = []
    if (has('passkey')) methods.push('passkey')
    if (has('totp')) methods.push('totp')
    if ((await countRecoveryCodes(client, accountId)) > 0) methods.push('recovery_code')
    return methods
  }

  /** Returns `undefined` if the answer is wrong; the challenge can then be answered again. */
  async #open(step: AdmittedStep): Promise<OpenedSession | undefined> {
    try {
      return await this.#core.store.transaction((client) => this.#openIn(client, step))
    } catch (error) {
      // Thrown, so that the transaction also restores the challenge.
      if (isProblem(error) && isWrongAnswer(error.code)) return undefined
      throw error
    }
  }

  async #openIn(client: SqlClient, step: AdmittedStep): Promise<OpenedSession> {
    const { sessions, guesses, challenges, trustedDevices } = this.#dependencies
    const { accountId, origin, device, answer, trustDevice } = step
    // Same lock order as everywhere: the account before its challenge.
    const account = this.#usable(await table.lockAccount(client, accountId))
    const { data } = await challenges.redeem(client, step.challengeToken, 'second_factor')
    const methods = await this.#verify(client, step, data.passkey)
    await this.#notify(client, account, step)
    await cancelFactorReset(client, this.#core, account, { accountId: account.id, address: origin.address })
    await table.updateAccount(client, { id: accountId }, { signedInAt: this.#core.clock.now() })
    const all = methodsOfBoth(data.methods, methods)
    const session = await sessions.open(client, accountId, { origin, methods: all })
    const deviceToken = await guesses.trustFirstDevice(client, attemptAt(accountId, origin, device))
    const actor = { accountId, sessionId: session.id, address: origin.address }
    if (trustDevice === true && trustedDevices.isEnabled) {
      await trustedDevices.trust(client, { name: data.device, accountId, userAgent: origin.userAgent })
      await this.#core.audit.done(client, 'trusted_device_add', actor)
    }
    await this.#core.audit.done(client, 'login', actor, { detail: { second_factor: answer.method } })
    return { account, session, deviceToken }
  }

  /**
   * Checks the answer and records its use; returns the methods that it proves.
   *
   * @throws Problem `second_factor_wrong`, `passkey_refused`, `second_factor_blocked`
   */
  async #verify(client: SqlClient, step: AdmittedStep, challenge: string | undefined): Promise<readonly AuthMethod[]> {
    const { totp, passkeys } = this.#dependencies
    const { accountId, answer, admission, origin } = step
    if (answer.method === 'passkey') {
      if (challenge === undefined) throw factorFailures.refusal('second_factor_wrong')
      const bounds = { accountId, address: origin.address }
      return (await passkeys.verify(client, challenge, answer.assertion, bounds)).methods
    }
    // The other answers are long enough to be compared in any case.
    if (answer.method === 'totp' && admission.isExhausted) throw factorFailures.refusal('second_factor_blocked')
    const isRight =
      answer.method === 'totp'
        ? (await totp.verify(client, accountId, answer.code)) !== undefined
        : await redeemRecoveryCode(client, accountId, answer.code)
    if (!isRight) throw factorFailures.refusal('second_factor_wrong')
    return ['otp']
  }

  /** Adds the notices of a sign-in on a new device, and of a used recovery code. */
  async #notify(client: SqlClient, account: table.Account, { answer, origin, deviceKnown }: AdmittedStep) {
    const { audit, clock } = this.#core
    const { outbox } = this.#dependencies
    const { address, userAgent } = origin
    if (!deviceKnown) await outbox.notify(client, account, { kind: 'new_device', at: clock.now(), address, userAgent })
    if (answer.method !== 'recovery_code') return
    const left = await countRecoveryCodes(client, account.id)
    await outbox.notify(client, account, { kind: 'recovery_code_used', left })
    await audit.done(client, 'recovery_code_use', { accountId: account.id, address }, { detail: { left } })
  }

  /** Informs the owner of guesses at the second factor, which follow the right password. */
  #alarm(accountId: string): Promise<void> {
    return this.#core.store.transaction(async (client) => {
      const account = await table.findAccount(client, accountId)
      if (account !== undefined)
        await this.#dependencies.outbox.notify(client, account, { kind: 'second_factor_failed' })
    })
  }

  /**
   * Returns the account if it can be signed in to.
   *
   * @throws Problem `challenge_invalid`, `account_disabled`, `email_unverified`
   */
  #usable(account: table.Account | undefined): table.Account {
    if (account === undefined) throw factorFailures.refusal('challenge_invalid')
    const refusal = signInRefusal(account, this.#settings)
    if (refusal !== undefined) throw accountFailures.refusal(refusal)
    return account
  }
}

/** Returns whether the code is the refusal of an answer that was compared. */
function isWrongAnswer(code: string): boolean {
  return code === 'second_factor_wrong' || code === 'passkey_refused'
}
