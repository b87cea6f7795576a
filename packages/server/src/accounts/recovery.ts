import type { SqlClient } from 'latchkey/sql'
import type { Core } from '../core.js'
import type { Outbox } from '../mail/outbox.js'
import type { Messages } from '../messages/messages.js'
import { attemptAt, type GuessGuard } from '../protection/guess-guard.js'
import type { RequestOrigin } from '../request-origin.js'
import { type LockedAccount, lockAccounts } from '../sessions/account-lock.js'
import * as table from './account-table.js'
import type { EarlierAccess } from './earlier-access.js'
import { tryCanonicalEmail } from './email-address.js'
import { accountFailures } from './failures.js'
import type { OneTimeToken, OneTimeTokens } from './one-time-tokens.js'
import type { PasswordPolicy } from './password-policy.js'
import type { PasswordQueue } from './password-queue.js'

interface Dependencies {
  readonly passwords: PasswordQueue
  readonly passwordPolicy: PasswordPolicy
  readonly guesses: GuessGuard
  readonly oneTimeTokens: OneTimeTokens
  readonly outbox: Outbox
  readonly messages: Messages
  readonly earlierAccess: EarlierAccess
}

/** A link that sets a password. */
type ResetLink = Extract<OneTimeToken, { purpose: 'reset_password' | 'handed_reset' }>

/** The new password of an account, and the request that sets it. */
interface Reset {
  readonly passwordHash: string
  readonly attempt: ReturnType<typeof attemptAt>
  /** Whether the link proves access to the mailbox. */
  readonly isMailed: boolean
}

/**
 * Resets forgotten passwords by a link that was mailed to the address, or that an administrator
 * created.
 */
export class Recovery {
  readonly #core: Core
  readonly #dependencies: Dependencies

  constructor(core: Core, dependencies: Dependencies) {
    this.#core = core
    this.#dependencies = dependencies
  }

  /** Requests a reset link. The answer is the same for every address. Throws `mail_unavailable`. */
  async forgot(email: string, { address, acceptLanguage }: RequestOrigin): Promise<void> {
    const { outbox, messages } = this.#dependencies
    outbox.checkEnabled()
    await outbox.add(this.#core.store, {
      kind: 'ask_reset',
      to: tryCanonicalEmail(email),
      account: null,
      origin: address,
      locale: messages.requested(acceptLanguage),
    })
  }

  /**
   * Sets the password by a link, and ends every session and every token of the account, in one
   * transaction (C5). The network and the device of the request are then known to the account, so
   * that attacks on the account do not delay its owner.
   *
   * An account with an unverified address may have been created by an attacker. Any reset therefore
   * forgets its devices and deletes its factors: those of the attacker would lock the owner out,
   * and a passkey would still sign in. The first reset by mail also deletes its name and the
   * members of the profile that its owner could write. A link that an administrator created does
   * not verify the address. It is invalid once that administrator has lost the right, or if its
   * account has become an administrator's.
   *
   * @throws Problem `link_invalid`, `password_…`, `account_disabled`, `overloaded`
   */
  async reset(input: { token: string; password: string }, origin: RequestOrigin, device?: string): Promise<void> {
    const { store, audit } = this.#core
    const { passwords, passwordPolicy, oneTimeTokens } = this.#dependencies
    const task = { use: 'link', origin } as const
    passwords.checkRoom(task)
    const found = await oneTimeTokens.find(input.token, 'reset_password', 'handed_reset')
    const { accountId } = found
    const owner = checked(accountId === null ? undefined : await table.findAccount(store, accountId))
    const passwordHash = await passwords.hash(task, passwordPolicy.check(input.password, owner))
    await store.transaction(async (client) => {
      // Same lock order as everywhere: the accounts before the link.
      const locked = await lockAccounts(client, [owner.id, ...makersOf(found)])
      const account = checked(await table.findAccount(client, owner.id))
      const link = await oneTimeTokens.redeem(client, input.token, 'reset_password', 'handed_reset')
      if (link.data.email !== account.email || !isAllowed(link, account, locked))
        throw accountFailures.refusal('link_invalid')
      const isMailed = link.purpose === 'reset_password'
      await this.#apply(client, account, { passwordHash, attempt: attemptAt(account.id, origin, device), isMailed })
      const detail = link.purpose === 'handed_reset' ? { made_by: link.data.madeBy ?? 'cli' } : undefined
      await audit.done(client, 'password_reset', { accountId: account.id, address: origin.address }, { detail })
    })
  }

  /** Stores the password and revokes all earlier access to the account. */
  async #apply(client: SqlClient, account: table.Account, { passwordHash, attempt, isMailed }: Reset): Promise<void> {
    const { guesses, earlierAccess, outbox } = this.#dependencies
    const { id, emailVerifiedAt } = account
    const change = emailVerifiedAt === null && isMailed ? await earlierAccess.changeByFirstProof(client, account) : {}
    const updated = checked(await table.updateAccount(client, { id }, { passwordHash, ...change }))
    await earlierAccess.end(client, account, 'password_reset')
    await guesses.resetAfterRecovery(client, attempt)
    await outbox.notify(client, updated, { kind: 'password_changed' })
    await this.#core.keys.revoke(id, { client })
  }
}

/** Returns the administrator who created the link, if one did. */
function makersOf(link: ResetLink): readonly string[] {
  return link.purpose === 'handed_reset' && link.data.madeBy !== null ? [link.data.madeBy] : []
}

/**
 * Returns whether the administrator who created the link still has the right to do so. `locked`:
 * the administrator's account, and the account of the link.
 */
function isAllowed(link: ResetLink, account: table.Account, locked: ReadonlyMap<string, LockedAccount>): boolean {
  const [maker] = makersOf(link)
  if (maker === undefined) return true
  const by = locked.get(maker)
  return by?.role === 'admin' && by.disabledAt === null && account.role !== 'admin'
}

/**
 * Returns the account of a link if it can be signed in to.
 *
 * @throws Problem `link_invalid`, `account_disabled`
 */
function checked(account: table.Account | undefined): table.Account {
  if (account === undefined) throw accountFailures.refusal('link_invalid')
  if (account.disabledAt !== null) throw accountFailures.refusal('account_disabled')
  return account
}
