import type { SqlClient } from 'latchkey/sql'
import type { Core } from '../core.js'
import { skipLocked } from '../row-locks.js'
import type { EmailKind, NoticeTopic } from './email.js'
import { mailboxOf } from './mailbox.js'

/** A keyed hash of names, so that the counts do not reveal mailboxes. */
export interface KeyedNames {
  of(...parts: readonly string[]): string
}

const windowMs = 3_600_000

/** The count of an e-mail, and its maximum within one hour. */
interface Allowance {
  readonly topic: 'asked' | 'invitations' | NoticeTopic
  readonly max: number
}

/**
 * E-mails that any client can cause share one count. The last one is reserved for account recovery.
 */
const asked: Allowance = { topic: 'asked', max: 4 }

/**
 * E-mails to one mailbox in one hour. All kinds that any client can cause share one count. Notices
 * have separate counts, because only the password of the account can cause them, and a flood of
 * other kinds must not suppress them.
 */
const allowances: Readonly<Record<Exclude<EmailKind, 'notices_paused'>, Allowance>> = {
  verify_email: asked,
  finish_registration: asked,
  confirm_email: asked,
  email_has_account: asked,
  // Only administrators can cause these, so they have a separate count.
  accept_invitation: { topic: 'invitations', max: 4 },
  reset_password: { ...asked, max: asked.max + 1 },
  sign_in: asked,
  confirm_device: { topic: 'sign-ins', max: 5 },
  new_device: { topic: 'sign-ins', max: 5 },
  second_factor_failed: { topic: 'sign-ins', max: 5 },
  recovery_code_used: { topic: 'sign-ins', max: 5 },
  password_changed: { topic: 'changes', max: 5 },
  reset_link_made: { topic: 'changes', max: 5 },
  email_change_requested: { topic: 'changes', max: 5 },
  email_changed: { topic: 'changes', max: 5 },
  password_removed: { topic: 'changes', max: 5 },
  impersonated: { topic: 'changes', max: 5 },
  factor_added: { topic: 'changes', max: 5 },
  factor_removed: { topic: 'changes', max: 5 },
  factors_reset: { topic: 'changes', max: 5 },
}

/**
 * E-mails in one hour that a device or network causes that is known to the account. They do not
 * count with those of unknown clients, so that no other client can use them up.
 */
const maxOfKnown = 5

/**
 * E-mails to third parties that one account, and one network, can cause in one hour by changes of
 * address.
 */
const maxChanges = { account: 5, network: 30 }

/** Returns the topic of a notice; `undefined` for other e-mails. */
export function topicOf(kind: EmailKind): NoticeTopic | undefined {
  const topic = kind === 'notices_paused' ? 'asked' : allowances[kind].topic
  return topic === 'asked' || topic === 'invitations' ? undefined : topic
}

/**
 * Limits the e-mails that clients can cause to one mailbox, from any number of networks. All
 * servers share the counts in the database. `Outbox` counts every e-mail here.
 */
export class MailQuota {
  readonly #core: Core
  readonly #names: KeyedNames

  constructor(core: Core, names: KeyedNames) {
    this.#core = core
    this.#names = names
  }

  /**
   * Counts an e-mail to the mailbox of `to` in the caller's transaction. Returns `false` if it
   * exceeds the quota. `knownAsker`: the known device or network that has caused it.
   */
  take(
    client: SqlClient,
    kind: Exclude<EmailKind, 'notices_paused'>,
    { to, knownAsker }: { readonly to: string; readonly knownAsker?: string | undefined },
  ): Promise<boolean> {
    if (knownAsker !== undefined) return this.#count(client, ['mail of known', kind, knownAsker], maxOfKnown)
    const { topic, max } = allowances[kind]
    return this.#count(client, ['mail', topic, mailboxOf(to)], max)
  }

  /**
   * Counts the one e-mail per hour that replaces further notices of the topic, in the caller's
   * transaction.
   */
  takePause(client: SqlClient, topic: NoticeTopic, to: string): Promise<boolean> {
    return this.#count(client, ['mail paused', topic, mailboxOf(to)], 1)
  }

  /**
   * Counts a change of address by its account and its network, in the caller's transaction. Each
   * change sends an e-mail to an address that does not belong to the account. Returns `false` if it
   * exceeds the quota.
   */
  async takeChange(client: SqlClient, account: string, network: string): Promise<boolean> {
    return (
      (await this.#count(client, ['mail of account', account], maxChanges.account)) &&
      (await this.#count(client, ['mail of network', network], maxChanges.network))
    )
  }

  /** Deletes counts whose window has ended. */
  async prune(): Promise<void> {
    const { store, clock } = this.#core
    await store.query(
      `delete from server_mail_counts where name in (
         select name from server_mail_counts where ends_at <= $1 ${skipLocked(store)})`,
      [clock.now()],
    )
  }

  /**
   * Does not count a refused e-mail, so that kinds with a higher maximum in the same count keep
   * theirs.
   */
  async #count(client: SqlClient, name: readonly string[], max: number): Promise<boolean> {
    const nowMs = this.#core.clock.now()
    const { rows } = await client.query(
      `insert into server_mail_counts (name, letters, ends_at) values ($1, 1, $3)
       on conflict (name) do update set
         letters = case when server_mail_counts.ends_at <= $2 then 1 else server_mail_counts.letters + 1 end,
         ends_at = case when server_mail_counts.ends_at <= $2 then $3 else server_mail_counts.ends_at end
       where server_mail_counts.ends_at <= $2 or server_mail_counts.letters < $4
       returning name`,
      [this.#names.of(...name), nowMs, nowMs + windowMs, max],
    )
    return rows.length === 1
  }
}

/** Seconds after which every count has ended. */
export const quotaWindowSec = windowMs / 1000
