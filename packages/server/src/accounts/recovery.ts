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
import { noPassword } from './password.js'
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
   * Sets the password by the mailed link, and ends every session and every token of the account, all in one transaction (C5). An
   * account whose address was not verified may have been made by a stranger: with the first reset its name and its known devices go
   * as well. The network, and the device whose token came along, then count as known: whoever guesses at the account does not keep
   * its owner waiting. Fails with `link_invalid`, `password_…`, `account_disabled`, `overloaded`.
   */
  async reset(input: { token: string; password: string }, origin: RequestOrigin, device?: string): Promise<void> {
    const { store, passwords, policy, tokens } = this.#options
    const turn = { use: 'link', origin } as const
    passwords.checkRoom(turn)
    const { accountId } = await tokens.find(input.token, 'reset_password')
    const owner = checked(accountId === null ? undefined : await table.findAccount(store, accountId))
    const passwordHash = await passwords.hash(turn, policy.check(input.password, owner))
    await store.transaction(async (client) => {
      // The account before its link, as everywhere.
      const account = checked(await table.lockAccount(client, owner.id))
      const { data } = await tokens.redeem(client, input.token, 'reset_password')
      if (data.email !== account.email) throw new Problem('link_invalid')
      await this.#handOver(client, account, { passwordHash, attempt: attemptAt(account.id, origin, device) })
      await this.#options.audit.append(client, {
        event: 'password_reset',
        outcome: 'done',
        actor: account.id,
        account: account.id,
        address: origin.address,
      })
    })
  }

  /** Gives the account to the reader of its mailbox alone. */
  async #handOver(
    client: SqlClient,
    account: table.Account,
    { passwordHash, attempt }: { readonly passwordHash: string; readonly attempt: ReturnType<typeof attemptAt> },
  ): Promise<void> {
    const { keys, sessions, guesses, tokens, outbox, clock } = this.#options
    const { id, emailVerifiedAt } = account
    // An account without a password is the operator's work, and no stranger has ever signed in to it.
    const isNew = (await table.findStoredAccount(client, id))?.passwordHash === noPassword
    const verified = emailVerifiedAt === null ? { emailVerifiedAt: clock.now() } : {}
    const change = emailVerifiedAt === null && !isNew ? { ...verified, name: null } : verified
    const updated = checked(await table.updateAccount(client, { id }, { passwordHash, ...change }))
    await tokens.revokeAll(client, id)
    await sessions.endAll(client, id, 'password_reset')
    if (emailVerifiedAt === null) await guesses.forgetDevices(client, id)
    await guesses.readmit(client, attempt)
    await outbox.notify(client, updated, { kind: 'password_changed' })
    await keys.revoke(id, { client })
  }
}

/** The account of a link, as long as it can be signed in to. */
function checked(account: table.Account | undefined): table.Account {
  if (account === undefined) throw new Problem('link_invalid')
  if (account.disabledAt !== null) throw new Problem('account_disabled')
  return account
}
