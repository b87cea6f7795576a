import type { Core } from '../core.js'
import type { Challenges } from '../factors/challenges.js'
import type { TrustedDevices } from '../factors/trusted-devices.js'
import type { Outbox } from '../mail/outbox.js'
import type { RequestOrigin } from '../request-origin.js'
import type { Acting, Actors } from '../sessions/actors.js'
import type { Sessions } from '../sessions/sessions.js'
import * as table from './account-table.js'
import { accountFailures } from './failures.js'
import type { OneTimeTokens } from './one-time-tokens.js'
import type { PasswordPolicy } from './password-policy.js'
import type { PasswordQueue } from './password-queue.js'
import type { Reauthentication } from './reauthentication.js'
import type { SignedIn } from './signed-in.js'

interface Dependencies {
  readonly actors: Actors
  readonly sessions: Sessions
  readonly passwords: PasswordQueue
  readonly passwordPolicy: PasswordPolicy
  readonly oneTimeTokens: OneTimeTokens
  readonly challenges: Challenges
  readonly trustedDevices: TrustedDevices
  readonly outbox: Outbox
  readonly reauthentication: Reauthentication
}

/** Changes the password of a signed-in account. */
export class PasswordChange {
  readonly #core: Core
  readonly #dependencies: Dependencies

  constructor(core: Core, dependencies: Dependencies) {
    this.#core = core
    this.#dependencies = dependencies
  }

  /**
   * Sets a new password, ends all other sessions and every token issued so far, and returns new
   * tokens of this session, all in one transaction (C5).
   *
   * @throws Problem `recent_authentication_required`, `password_wrong`, `guess_delayed`,
   * `overloaded`, `password_…`
   */
  async change(
    acting: Acting,
    input: { currentPassword: string; newPassword: string },
    origin: RequestOrigin,
  ): Promise<SignedIn> {
    const { store, keys, audit } = this.#core
    const { sessions, actors, passwords, passwordPolicy, oneTimeTokens, outbox } = this.#dependencies
    const { challenges, trustedDevices, reauthentication } = this.#dependencies
    const context = { event: 'password_change', origin } as const
    const stored = await reauthentication.check(acting, input.currentPassword, context)
    const newPassword = passwordPolicy.check(input.newPassword, stored)
    const passwordHash = await passwords.hash({ use: 'account', origin, account: acting.accountId }, newPassword)
    const [account, session] = await store.transaction(async (client) => {
      await actors.lock(client, acting)
      await reauthentication.checkAgain(client, acting)
      const updated = await table.updateAccount(client, stored, { passwordHash })
      if (updated === undefined) throw accountFailures.refusal('password_wrong')
      const kept = await sessions.keepOnly(client, { id: acting.sessionId, accountId: acting.accountId })
      // An attacker may have requested a link before the change.
      await oneTimeTokens.revokeAll(client, acting.accountId)
      await challenges.revokeAll(client, acting.accountId)
      await trustedDevices.revokeAll(client, acting.accountId)
      await outbox.notify(client, updated, { kind: 'password_changed' })
      await keys.revoke(acting.accountId, { client })
      await audit.done(client, 'password_change', { ...acting, address: origin.address })
      return [updated, kept] as const
    })
    return { account, tokens: await sessions.tokensFor(session) }
  }
}
