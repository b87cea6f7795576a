import type { Clock } from 'latchkey'
import type { SqlClient, SqlStore } from 'latchkey/sql'
import { skipLocked } from '../row-locks.js'
import type { LetterKind, NoticeTopic } from './letter.js'
import { mailboxOf } from './mailbox.js'

/** Options of `MailQuota`. */
export interface MailQuotaOptions {
  readonly store: SqlStore
  /** Names that tell mailboxes apart without telling which they are. */
  readonly names: { of(...parts: readonly string[]): string }
  readonly clock: Clock
}

const windowMs = 3_600_000

/** What a letter counts as, and the number of letters after which it is refused. */
interface Allowance {
  readonly topic: 'asked' | 'invitations' | NoticeTopic
  readonly max: number
}

/** What strangers can ask for, whatever they ask for. The last one is kept for the way back into an account. */
const asked: Allowance = { topic: 'asked', max: 4 }

/**
 * Letters to one mailbox in one hour. All kinds that strangers can cause share one count. Notices have counts of their own: only
 * an account's password can cause them, and a flood of the former must not silence them.
 */
const allowances: Readonly<Record<Exclude<LetterKind, 'notices_paused'>, Allowance>> = {
  verify_email: asked,
  finish_registration: asked,
  confirm_email: asked,
  email_has_account: asked,
  // Only administrators can cause them: what strangers ask for leaves them their letters.
  accept_invitation: { topic: 'invitations', max: 4 },
  reset_password: { ...asked, max: asked.max + 1 },
  confirm_device: { topic: 'sign-ins', max: 5 },
  new_device: { topic: 'sign-ins', max: 5 },
  password_changed: { topic: 'changes', max: 5 },
  reset_link_made: { topic: 'changes', max: 5 },
  email_change_requested: { topic: 'changes', max: 5 },
  email_changed: { topic: 'changes', max: 5 },
}

/** Letters to third parties that one account, and one network, can cause in one hour by changes of address. */
const maxChanges = { account: 5, network: 30 }

/** The topic of a notice; `undefined` for other letters. */
export function topicOf(kind: LetterKind): NoticeTopic | undefined {
  const topic = kind === 'notices_paused' ? 'asked' : allowances[kind].topic
  return topic === 'asked' || topic === 'invitations' ? undefined : topic
}

/**
 * Bounds what others can make this server write to one mailbox, whatever they ask for and from wherever they ask. Counts are in the
 * database and hold for all servers. `Outbox` counts every letter here.
 */
export class MailQuota {
  readonly #options: MailQuotaOptions

  constructor(options: MailQuotaOptions) {
    this.#options = options
  }

  /** Counts one letter to the mailbox of `to`; `false` when it would be one too many. In the caller's transaction. */
  take(client: SqlClient, kind: Exclude<LetterKind, 'notices_paused'>, to: string): Promise<boolean> {
    const { topic, max } = allowances[kind]
    return this.#count(client, ['mail', topic, mailboxOf(to)], max)
  }

  /** Counts the one letter of an hour that stands for all further notices of the topic. In the caller's transaction. */
  takePause(client: SqlClient, topic: NoticeTopic, to: string): Promise<boolean> {
    return this.#count(client, ['mail paused', topic, mailboxOf(to)], 1)
  }

  /**
   * Counts a change of address by its account and its network: each one writes to an address that the account does not have. `false`
   * when it would be one too many. In the caller's transaction.
   */
  async takeChange(client: SqlClient, account: string, network: string): Promise<boolean> {
    return (
      (await this.#count(client, ['mail of account', account], maxChanges.account)) &&
      (await this.#count(client, ['mail of network', network], maxChanges.network))
    )
  }

  /** Deletes counts whose window has ended. */
  async prune(): Promise<void> {
    const { store, clock } = this.#options
    await store.query(
      `delete from server_mail_counts where name in (
         select name from server_mail_counts where ends_at <= $1 ${skipLocked(store)})`,
      [clock.now()],
    )
  }

  /** What is refused is not counted, so that it takes nothing from what may have more. */
  async #count(client: SqlClient, name: readonly string[], max: number): Promise<boolean> {
    const nowMs = this.#options.clock.now()
    const { rows } = await client.query(
      `insert into server_mail_counts (name, letters, ends_at) values ($1, 1, $3)
       on conflict (name) do update set
         letters = case when server_mail_counts.ends_at <= $2 then 1 else server_mail_counts.letters + 1 end,
         ends_at = case when server_mail_counts.ends_at <= $2 then $3 else server_mail_counts.ends_at end
       where server_mail_counts.ends_at <= $2 or server_mail_counts.letters < $4
       returning name`,
      [this.#options.names.of(...name), nowMs, nowMs + windowMs, max],
    )
    return rows.length === 1
  }
}

/** Seconds after which a count has certainly ended. */
export const quotaWindowSec = windowMs / 1000
