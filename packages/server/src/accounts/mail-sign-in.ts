import type { SqlClient } from 'latchkey/sql'
import type { Configuration } from '../config/configuration.js'
import type { Core } from '../core.js'
import type { Challenge, Challenges, IssuedChallenge } from '../factors/challenges.js'
import { factorFailures } from '../factors/failures.js'
import { formatMailCode, isSameHash, mailCodeHash, newMailCode } from '../factors/mail-code.js'
import type { Outbox } from '../mail/outbox.js'
import type { Messages } from '../messages/messages.js'
import { isProblem } from '../problem.js'
import { attemptAt, type GuessGuard, type RecalledAttempt } from '../protection/guess-guard.js'
import { newToken, tokenHash } from '../random-token.js'
import type { RequestOrigin } from '../request-origin.js'
import type { Session } from '../sessions/session-table.js'
import type { Sessions } from '../sessions/sessions.js'
import * as table from './account-table.js'
import type { EarlierAccess } from './earlier-access.js'
import { tryCanonicalEmail } from './email-address.js'
import { accountFailures } from './failures.js'
import { noPassword } from './password.js'
import type { SecondStep, SecondStepChallenge } from './second-step.js'
import type { SignedIn } from './signed-in.js'

interface Dependencies {
  readonly challenges: Challenges
  readonly guesses: GuessGuard
  readonly sessions: Sessions
  readonly secondStep: SecondStep
  readonly earlierAccess: EarlierAccess
  readonly outbox: Outbox
  readonly messages: Messages
}

/** The mailed code, or the token of the mailed link. */
export type MailAnswer = { readonly code: string } | { readonly linkToken: string }

/** The answer to a challenge, by the client that has asked for the e-mail. */
export interface AnsweredMail {
  readonly challengeToken: string
  readonly answer: MailAnswer
}

/** A right answer, and the request that has brought it. */
interface RightAnswer {
  readonly accountId: string
  readonly challengeToken: string
  readonly origin: RequestOrigin
  readonly attempt: RecalledAttempt
}

/** A completed sign-in: a session, or the challenge of its second step. */
type Opened =
  | { readonly account: table.Account; readonly session: Session; readonly deviceToken: string }
  | { readonly account: table.Account; readonly challenge: SecondStepChallenge }

type MailChallenge = Challenge<'mail_sign_in'>

/** The time in which the code and the link can be used (OWASP ASVS 5.0, 6.5.5). */
export const mailSignInTtlSec = 600

/** The codes that are compared for one challenge. */
const maxAttempts = 5

/**
 * Signs accounts in by a code or a link that is mailed to their addresses. Both work only together
 * with the challenge token of the client that has asked for the e-mail: a reader who opens the link
 * of another client does not sign it in. Wrong codes count against the challenge alone, so that no
 * other client can use up the attempts of the owner.
 */
export class MailSignIn {
  readonly #core: Core
  readonly #dependencies: Dependencies
  readonly #settings: Pick<Configuration, 'mailSignIn'>

  constructor(core: Core, dependencies: Dependencies, settings: Pick<Configuration, 'mailSignIn'>) {
    this.#core = core
    this.#dependencies = dependencies
    this.#settings = settings
  }

  /**
   * Begins a sign-in, and requests its e-mail. The work is the same for every address: the account
   * is looked up when the outbox worker drafts the e-mail. `device`: the device token of the
   * request.
   *
   * @throws Problem `mail_sign_in_off` before anything is read, `mail_unavailable`
   */
  async request(email: string, origin: RequestOrigin, device?: string): Promise<IssuedChallenge> {
    const { challenges, outbox, messages } = this.#dependencies
    const { mailSignIn } = this.#settings
    if (mailSignIn === 'off') throw factorFailures.refusal('mail_sign_in_off')
    outbox.checkEnabled()
    const to = tryCanonicalEmail(email)
    const token = newToken()
    const code = mailSignIn === 'link' ? null : newMailCode()
    const linkToken = mailSignIn === 'code' ? null : newToken()
    const hashes = {
      code: code === null ? null : mailCodeHash(token, code),
      link: linkToken === null ? null : tokenHash(linkToken),
    }
    const data = { email: to, ...hashes, attempts: 0, asker: null }
    return this.#core.store.transaction(async (client) => {
      const challenge = { purpose: 'mail_sign_in', accountId: null, sessionId: null, data } as const
      const issued = await challenges.issue(client, challenge, mailSignInTtlSec, token)
      await outbox.add(client, {
        kind: 'ask_sign_in',
        to,
        account: null,
        challenge: tokenHash(token),
        code: code === null ? null : formatMailCode(code),
        linkToken,
        expiresAt: issued.expiresAt,
        device: device ?? null,
        userAgent: origin.userAgent,
        origin: origin.address,
        locale: messages.requested(origin.acceptLanguage),
      })
      return issued
    })
  }

  /**
   * Opens a session if the answer is right. It works once. `device`: the device token of the
   * request.
   *
   * @throws Problem `mail_sign_in_off`, `challenge_invalid`, `mail_code_wrong`,
   * `mail_link_elsewhere`; `account_disabled` and `second_factor_required` only if the answer was
   * right
   */
  async complete(answered: AnsweredMail, origin: RequestOrigin, device?: string): Promise<SignedIn> {
    const { challengeToken, answer } = answered
    const { mailSignIn } = this.#settings
    if (mailSignIn === 'off' || mailSignIn === ('code' in answer ? 'link' : 'code'))
      throw factorFailures.refusal('mail_sign_in_off')
    const challenge = await this.#dependencies.challenges.find(challengeToken, 'mail_sign_in')
    try {
      const accountId = await this.#check(challenge, answered)
      return await this.#signIn({ accountId, challengeToken, origin }, device)
    } catch (error) {
      if (isProblem(error) && refusals.has(error.code)) {
        const actor = { accountId: null, address: origin.address }
        const detail = { reason: error.code, method: 'mail' }
        await this.#core.audit.countRefused('login', actor, { account: challenge.accountId, detail })
      }
      throw error
    }
  }

  async #signIn(right: Omit<RightAnswer, 'attempt'>, device: string | undefined): Promise<SignedIn> {
    const { guesses, sessions, secondStep } = this.#dependencies
    const { accountId, origin } = right
    const attempt = await guesses.recall(attemptAt(accountId, origin, device))
    const opened = await this.#core.store.transaction((client) => this.#open(client, { ...right, attempt }))
    const { account } = opened
    if ('challenge' in opened) {
      throw await secondStep.refusal(opened.challenge, { account, origin, admission: { device: attempt.token } })
    }
    return { account, tokens: await sessions.tokensFor(opened.session), deviceToken: opened.deviceToken }
  }

  /**
   * Returns the account of the challenge if the answer is right. The result and the work are the
   * same whether or not the address has an account.
   */
  async #check(challenge: MailChallenge, { challengeToken, answer }: AnsweredMail): Promise<string> {
    const { accountId, data } = challenge
    if ('linkToken' in answer) {
      const isRight = isSameHash(data.link ?? '', tokenHash(answer.linkToken))
      if (!isRight || accountId === null) throw factorFailures.refusal('mail_link_elsewhere')
      return accountId
    }
    await this.#countAttempt(challengeToken, challenge)
    const isRight = isSameHash(data.code ?? '', mailCodeHash(challengeToken, answer.code))
    if (!isRight || accountId === null) throw factorFailures.refusal('mail_code_wrong')
    return accountId
  }

  /**
   * Counts an attempt at the code before it is compared, so that of many simultaneous attempts no
   * more are compared. Repeats while others count: each of them uses up one attempt.
   *
   * @throws Problem `challenge_invalid`
   */
  async #countAttempt(challengeToken: string, first: MailChallenge): Promise<void> {
    const { challenges } = this.#dependencies
    let challenge = first
    while (challenge.data.attempts < maxAttempts) {
      const { data } = challenge
      const next = { ...data, attempts: data.attempts + 1 }
      if (await challenges.replaceData(challengeToken, challenge, next)) return
      challenge = await challenges.find(challengeToken, 'mail_sign_in')
    }
    throw factorFailures.refusal('challenge_invalid')
  }

  /** Redeems the challenge and opens the session, or begins the second step. */
  async #open(client: SqlClient, right: RightAnswer): Promise<Opened> {
    const { challenges, secondStep } = this.#dependencies
    const { accountId, challengeToken, origin, attempt } = right
    // Same lock order as everywhere: the account before its challenge.
    const locked = await table.lockAccount(client, accountId)
    const { data } = await challenges.redeem(client, challengeToken, 'mail_sign_in')
    if (locked?.email !== data.email) throw factorFailures.refusal('challenge_invalid')
    if (locked.disabledAt !== null) throw accountFailures.refusal('account_disabled')
    const isFirstProof = locked.emailVerifiedAt === null
    const account = isFirstProof ? await this.#proveMailbox(client, locked, origin) : locked
    const needsSecondFactor =
      account.secondFactor !== 0 && !(await secondStep.isTrusted(client, accountId, attempt.token))
    if (needsSecondFactor) {
      const begun = { account, admission: { device: attempt.token } }
      return { account, challenge: await secondStep.challenge(client, begun, ['mail']) }
    }
    const opened = await this.#begin(client, account, right)
    // Last, because the tenant is locked after everything else.
    if (isFirstProof) await this.#core.keys.revoke(accountId, { client })
    return opened
  }

  /**
   * Verifies the address, and ends all earlier access: an attacker may have registered it. An
   * earlier password does not work any more.
   */
  async #proveMailbox(client: SqlClient, account: table.Account, { address }: RequestOrigin): Promise<table.Account> {
    const { earlierAccess, outbox } = this.#dependencies
    const { id } = account
    const hadPassword = (await table.findStoredAccount(client, id))?.passwordHash !== noPassword
    const change = await earlierAccess.changeByFirstProof(client, account)
    await earlierAccess.end(client, account, 'mail_sign_in')
    const proved = await table.updateAccount(client, { id }, { ...change, passwordHash: noPassword })
    if (proved === undefined) throw factorFailures.refusal('challenge_invalid')
    await this.#core.audit.done(client, 'email_verify', { accountId: id, address })
    if (hadPassword) await outbox.notify(client, proved, { kind: 'password_removed' })
    return proved
  }

  async #begin(client: SqlClient, account: table.Account, { attempt, origin }: RightAnswer): Promise<Opened> {
    const { audit, clock } = this.#core
    const { sessions, guesses, outbox } = this.#dependencies
    const { id } = account
    const { address, userAgent } = origin
    const at = clock.now()
    await table.updateAccount(client, { id }, { signedInAt: at })
    if (attempt.knownDevice === undefined)
      await outbox.notify(client, account, { kind: 'new_device', at, address, userAgent })
    const session = await sessions.open(client, id, { origin, methods: ['mail'] })
    const deviceToken = await guesses.trustFirstDevice(client, attemptAt(id, origin, attempt.token))
    const actor = { accountId: id, sessionId: session.id, address }
    await audit.done(client, 'login', actor, { detail: { method: 'mail' } })
    return { account, session, deviceToken }
  }
}

/** The refusals that the audit log counts. */
const refusals: ReadonlySet<string> = new Set([
  'challenge_invalid',
  'mail_code_wrong',
  'mail_link_elsewhere',
  'account_disabled',
])
