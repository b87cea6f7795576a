import type { SqlClient } from 'latchkey/sql'
import type { Core } from '../core.js'
import type { Challenges } from '../factors/challenges.js'
import { deleteAllFactors } from '../factors/factor-table.js'
import type { TrustedDevices } from '../factors/trusted-devices.js'
import type { GuessGuard } from '../protection/guess-guard.js'
import type { EndReason } from '../sessions/session-table.js'
import type { Sessions } from '../sessions/sessions.js'
import * as table from './account-table.js'
import type { OneTimeTokens } from './one-time-tokens.js'
import { noPassword } from './password.js'
import type { Profiles } from './profiles.js'

interface Dependencies {
  readonly sessions: Sessions
  readonly guesses: GuessGuard
  readonly oneTimeTokens: OneTimeTokens
  readonly challenges: Challenges
  readonly trustedDevices: TrustedDevices
  readonly profiles: Profiles
}

/**
 * The access to an account from before its owner has proved access to the mailbox. An attacker may
 * have registered an account with the address of another person, who signs in to it later (account
 * pre-hijacking).
 */
export class EarlierAccess {
  readonly #core: Pick<Core, 'clock'>
  readonly #dependencies: Dependencies

  constructor(core: Pick<Core, 'clock'>, dependencies: Dependencies) {
    this.#core = core
    this.#dependencies = dependencies
  }

  /**
   * Returns the changes of an account when an e-mail is the first proof of its address. An attacker
   * may have registered it, so that the name and the profile are deleted. An account without a
   * password was created by the operator, and no attacker can have signed in to it.
   */
  async changeByFirstProof(client: SqlClient, account: table.Account): Promise<table.AccountChange> {
    const verified = { emailVerifiedAt: this.#core.clock.now() }
    const stored = await table.findStoredAccount(client, account.id)
    if (stored?.passwordHash === noPassword) return verified
    return { ...verified, name: null, profile: this.#dependencies.profiles.protectedPart(account) }
  }

  /**
   * Ends all sessions, links, challenges and trusted devices of the account, and also its known
   * devices and factors if its address was not verified. In the caller's transaction, which has
   * locked the account; the caller revokes the secret of the account as its last change.
   *
   * @param account - The account as it was before the change.
   */
  async end(client: SqlClient, { id, emailVerifiedAt }: table.Account, reason: EndReason): Promise<void> {
    const { sessions, guesses, oneTimeTokens, challenges, trustedDevices } = this.#dependencies
    await oneTimeTokens.revokeAll(client, id)
    await sessions.endAll(client, id, reason)
    await challenges.revokeAll(client, id)
    await trustedDevices.revokeAll(client, id)
    if (emailVerifiedAt !== null) return
    await guesses.forgetDevices(client, id)
    await deleteAllFactors(client, id)
  }
}
