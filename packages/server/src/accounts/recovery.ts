import type { Clock, TenantSecrets } from 'latchkey'
import type { SqlClient, SqlStore } from 'latchkey/sqlite'
import type { AuditTrail } from '../audit/audit-trail.js'
import type { Outbox } from '../mail/outbox.js'
import { Problem } from '../problem.js'
import { attemptAt, type GuessGuard } from '../protection/guess-guard.js'
import type { RequestOrigin } from '../request-origin.js'
import type { Sessions } from '../sessions/sessions.js'
import * as table from './account-table.js'
import { tryCanonicalEmail } from './email-address.js'
import type { OneTimeTokens } from './one-time-tokens.js'
import type { PasswordPolicy } from './password-policy.js'
import type { PasswordQueue } from './password-queue.js'

/** What `Recovery` works with. */
export interface RecoveryOptions {
  readonly store: SqlStore
  readonly keys: TenantSecrets<SqlClient>
  readonly sessions: Sessions
  readonly passwords: PasswordQueue
  readonly policy: PasswordPolicy
  readonly guesses: GuessGuard
  readonly tokens: OneTimeTokens
  readonly outbox: Outbox
  readonly audit: AuditTrail
  readonly clock: Clock
}

/** The way back into an account whose password is forgotten, through the mailbox of its address. */
export class Recovery {
  readonly #options: RecoveryOptions

  constructor(options: RecoveryOptions) {
    this.#options = options
  }

  /** Asks for a link with which a new password can be set; the same for every address. Fails with `mail_unavailable`. */
  async forgot(email: string, { address }: RequestOrigin): Promise<void> {
    const { store, outbox } = this.#options
    outbox.checkServed()
    await outbox.add(store, { kind: 'ask_reset', to: tryCanonicalEmail(email), account: null, origin: address })
  }

  /**
   * Sets the password by the mailed link, and ends every session and every token of the account, all in one transaction (C5). The network, and the
   * device whose token came along, are then welcome: whoever guesses at the account does not keep its owner waiting. Fails with
   * `link_invalid`, `password_…`, `account_disabled`, `overloaded`.
   */
  async reset(input: { token: string; password: string }, origin: RequestOrigin, device?: string): Promise<void> {
    const { store, keys, sessions, passwords, policy, guesses, tokens, outbox, clock } = this.#options
    const turn = { use: 'link', origin } as const
    passwords.checkRoom(turn)
    const { accountId } = await tokens.find(input.token, 'reset_password')
    const owner = checked(accountId === null ? undefined : await table.findAccount(store, accountId))
    const passwordHash = await passwords.hash(turn, policy.check(input.password, owner))
    await store.transaction(async (client) => {
      const { data } = await tokens.redeem(client, input.token, 'reset_password')
      const { id, email } = checked(await table.lockAccount(client, owner.id))
      if (data.email !== email) throw new Problem('link_invalid')
      const verifiedAt = owner.emailVerifiedAt ?? clock.now()
      await table.updateAccount(client, { id }, { passwordHash, emailVerifiedAt: verifiedAt })
      await tokens.revokeAll(client, id)
      await sessions.endAll(client, id, 'password_reset')
      await keys.revoke(id, { client })
      await guesses.readmit(client, attemptAt(id, origin, device))
      await outbox.add(client, { kind: 'password_changed', to: email, account: id })
      await this.#options.audit.append(client, {
        event: 'password_reset',
        outcome: 'done',
        actor: id,
        account: id,
        address: origin.address,
      })
    })
  }
}

/** The account of a link, as long as it can be signed in to. */
function checked(account: table.Account | undefined): table.Account {
  if (account === undefined) throw new Problem('link_invalid')
  if (account.disabledAt !== null) throw new Problem('account_disabled')
  return account
}
