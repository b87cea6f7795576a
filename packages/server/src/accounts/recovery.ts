import type { Clock, TenantSecrets } from 'latchkey'
import type { SqlClient, SqlStore } from 'latchkey/sql'
import type { AuditTrail } from '../audit/audit-trail.js'
import type { Outbox } from '../mail/outbox.js'
import { Problem } from '../problem.js'
import { attemptAt, type GuessGuard } from '../protection/guess-guard.js'
import type { RequestOrigin } from '../request-origin.js'
import { type LockedAccount, lockAccounts } from '../sessions/account-lock.js'
import type { Sessions } from '../sessions/sessions.js'
import * as table from './account-table.js'
import { tryCanonicalEmail } from './email-address.js'
import type { OneTimeToken, OneTimeTokens } from './one-time-tokens.js'
import { noPassword } from './password.js'
import type { PasswordPolicy } from './password-policy.js'
import type { PasswordQueue } from './password-queue.js'
import type { Profiles } from './profiles.js'

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
  readonly profiles: Profiles
  readonly audit: AuditTrail
  readonly clock: Clock
}

/** A link with which a password can be set. */
type ResetLink = Extract<OneTimeToken, { purpose: 'reset_password' | 'handed_reset' }>

/** What an account is handed over with. */
interface HandOver {
  readonly passwordHash: string
  readonly attempt: ReturnType<typeof attemptAt>
  /** Whether the link shows that its holder reads the mailbox. */
  readonly isMailed: boolean
}

/** The way back into an account whose password is forgotten: by a link that was mailed to its address, or handed out by an administrator. */
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
   * Sets the password by the link, and ends every session and every token of the account, all in one transaction (C5). An
   * account whose address was not verified may have been made by a stranger: with the first reset by mail its name and what its owner
   * could write of the profile go as well, and with any its known devices. A link that was handed out verifies no address, and ends with the rights of the administrator who
   * made it, and when its account becomes an administrator's. The network, and the device whose token came along, then count as known: whoever guesses at the account does not keep
   * its owner waiting. Fails with `link_invalid`, `password_…`, `account_disabled`, `overloaded`.
   */
  async reset(input: { token: string; password: string }, origin: RequestOrigin, device?: string): Promise<void> {
    const { store, passwords, policy, tokens } = this.#options
    const turn = { use: 'link', origin } as const
    passwords.checkRoom(turn)
    const found = await tokens.find(input.token, 'reset_password', 'handed_reset')
    const { accountId } = found
    const owner = checked(accountId === null ? undefined : await table.findAccount(store, accountId))
    const passwordHash = await passwords.hash(turn, policy.check(input.password, owner))
    await store.transaction(async (client) => {
      // The accounts before the link, as everywhere.
      const locked = await lockAccounts(client, [owner.id, ...makersOf(found)])
      const account = checked(await table.findAccount(client, owner.id))
      const link = await tokens.redeem(client, input.token, 'reset_password', 'handed_reset')
      if (link.data.email !== account.email || !isAllowed(link, account, locked)) throw new Problem('link_invalid')
      const isMailed = link.purpose === 'reset_password'
      await this.#handOver(client, account, { passwordHash, attempt: attemptAt(account.id, origin, device), isMailed })
      await this.#options.audit.append(client, {
        event: 'password_reset',
        outcome: 'done',
        actor: account.id,
        account: account.id,
        address: origin.address,
        detail: link.purpose === 'handed_reset' ? { made_by: link.data.madeBy ?? 'cli' } : undefined,
      })
    })
  }

  /** Gives the account to the holder of the link alone. */
  async #handOver(
    client: SqlClient,
    account: table.Account,
    { passwordHash, attempt, isMailed }: HandOver,
  ): Promise<void> {
    const { keys, sessions, guesses, tokens, outbox } = this.#options
    const { id, emailVerifiedAt } = account
    const change = emailVerifiedAt === null && isMailed ? await this.#firstProof(client, account) : {}
    const updated = checked(await table.updateAccount(client, { id }, { passwordHash, ...change }))
    await tokens.revokeAll(client, id)
    await sessions.endAll(client, id, 'password_reset')
    if (emailVerifiedAt === null) await guesses.forgetDevices(client, id)
    await guesses.readmit(client, attempt)
    await outbox.notify(client, updated, { kind: 'password_changed' })
    await keys.revoke(id, { client })
  }

  /**
   * Returns what changes when a mailed link is the first to prove the address: a stranger may have
   * registered it, so that what the account says of its owner goes. An account without a password is
   * the operator's work, and no stranger has ever signed in to it.
   */
  async #firstProof(client: SqlClient, account: table.Account): Promise<table.AccountChange> {
    const { profiles, clock } = this.#options
    const verified = { emailVerifiedAt: clock.now() }
    const stored = await table.findStoredAccount(client, account.id)
    if (stored?.passwordHash === noPassword) return verified
    return { ...verified, name: null, profile: profiles.protectedPart(account) }
  }
}

/** The administrator who has handed the link out, if one has. */
function makersOf(link: ResetLink): readonly string[] {
  return link.purpose === 'handed_reset' && link.data.madeBy !== null ? [link.data.madeBy] : []
}

/** Returns whether the administrator who has handed the link out may still do so. `locked`: that account, and the one of the link. */
function isAllowed(link: ResetLink, account: table.Account, locked: ReadonlyMap<string, LockedAccount>): boolean {
  const [maker] = makersOf(link)
  if (maker === undefined) return true
  const by = locked.get(maker)
  return by?.role === 'admin' && by.disabledAt === null && account.role !== 'admin'
}

/** The account of a link, as long as it can be signed in to. */
function checked(account: table.Account | undefined): table.Account {
  if (account === undefined) throw new Problem('link_invalid')
  if (account.disabledAt !== null) throw new Problem('account_disabled')
  return account
}
