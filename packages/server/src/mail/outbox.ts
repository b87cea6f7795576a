import { type Binding, Keyring, type StoredKey } from 'latchkey'
import type { SqlClient } from 'latchkey/sql'
import type { Core } from '../core.js'
import { skipLocked } from '../row-locks.js'
import { uuidV7 } from '../uuid.js'
import {
  type Email,
  type EmailDraft,
  type EmailKind,
  type LinkEmail,
  type MailOwner,
  type MailRequest,
  type Notice,
  noticeTo,
} from './email.js'
import { mailFailures } from './failures.js'
import { recordLetter } from './letter-log.js'
import { type MailQuota, topicOf } from './mail-quota.js'

interface OutboxParts {
  /** Seals the entries. It is sealed under the master key, so that a rewrap covers it. */
  readonly key: StoredKey<Keyring>
  /** Counts every e-mail. */
  readonly quota: MailQuota
  /** Whether a transport is configured. */
  readonly enabled: boolean
}

/** The content of an entry: a counted e-mail, or an e-mail or request that is not counted yet. */
export type OutboxContent =
  | { readonly counted: true; readonly content: Email }
  | { readonly counted: false; readonly content: Email | MailRequest }

/** An entry that a worker has claimed; it is due again when its lease has ended. */
export interface ClaimedEntry {
  readonly id: string
  /** The number of claims, this one included. */
  readonly attempts: number
  /** Decrypts the content; throws `master_key_wrong` if it was changed. */
  open(): OutboxContent
}

/** The state of a waiting letter. */
export const waitingStates = ['waiting', 'sending', 'delayed'] as const

/** An entry that waits, without its text and its link. */
export interface WaitingLetter {
  readonly id: string
  /** The template, or the request that leads to one; `unreadable` if it cannot be decrypted. */
  readonly kind: EmailKind | MailRequest['kind'] | 'unreadable'
  /** Canonical; `null` if the entry cannot be decrypted. */
  readonly to: string | null
  /** The account that the letter is about; `null` if it is not known yet. */
  readonly account: string | null
  /** `sending`: a process has claimed it. `delayed`: an attempt has failed. */
  readonly state: (typeof waitingStates)[number]
  readonly attempts: number
  /** The time of the next attempt, in milliseconds since 1970. */
  readonly dueAt: number
  /** Codes of the last attempt, such as `ESOCKET ECONNREFUSED`. */
  readonly lastError: string | null
}

interface WaitingRow {
  readonly id: string
  readonly sealed: string
  readonly attempts: number
  readonly dueAt: number
  readonly lastError: string | null
}

/** The number of entries that `listTo` opens at most. Usually there are a few. */
const maxOpened = 1000

/** The number of entries that are counted at most. */
const maxCounted = 10_000

/** The condition of an entry that a process is sending at $2: its lease has not ended. */
const isSending = 'attempts > 0 and last_error is null and due_at > $2'

/**
 * The transactional outbox: e-mails are stored in the transaction of their cause and deleted once
 * they are sent. They are sealed, because they contain one-time links.
 */
export class Outbox {
  readonly #core: Core
  readonly #parts: OutboxParts

  constructor(core: Core, parts: OutboxParts) {
    this.#core = core
    this.#parts = parts
  }

  /** Whether e-mails can be sent. */
  get enabled(): boolean {
    return this.#parts.enabled
  }

  /** Throws `mail_unavailable` if mail is not configured. */
  checkEnabled(): void {
    if (!this.#parts.enabled) throw mailFailures.refusal('mail_unavailable')
  }

  /**
   * Adds an e-mail or a request in the caller's transaction; does nothing if mail is not
   * configured.
   */
  add(client: SqlClient, content: LinkEmail | MailRequest): Promise<void> {
    return this.#insert(client, content)
  }

  /**
   * Adds a notice to the owner in the caller's transaction; does nothing if the address is not
   * verified.
   */
  async notify(client: SqlClient, owner: MailOwner, notice: Notice): Promise<void> {
    const email = noticeTo(owner, notice)
    if (email !== undefined) await this.#insert(client, email)
  }

  async #insert(client: SqlClient, content: Email | MailRequest): Promise<void> {
    if (!this.#parts.enabled) return
    await this.#core.keys.ensureKeys()
    const nowMs = this.#core.clock.now()
    const id = uuidV7(nowMs)
    await client.query(`insert into server_outbox (id, sealed, attempts, due_at) values ($1, $2, 0, $3)`, [
      id,
      this.#seal(id, { counted: false, content }),
      nowMs,
    ])
  }

  /**
   * Claims up to `limit` due entries, oldest first. Concurrent processes claim different entries.
   */
  async claim({ limit, leaseMs }: { limit: number; leaseMs: number }): Promise<ClaimedEntry[]> {
    const { store, clock } = this.#core
    const nowMs = clock.now()
    // Read first, because usually nothing is due, and a write would lock an embedded database.
    const { rows: due } = await store.query('select id from server_outbox where due_at <= $1 limit 1', [nowMs])
    if (due.length === 0) return []
    const { rows } = await store.query<{ id: string; attempts: number; sealed: string }>(
      `with due as (
         select id from server_outbox where due_at <= $1 order by due_at, id limit $3 ${skipLocked(store)})
       update server_outbox set attempts = attempts + 1, due_at = $2, last_error = null
       where id in (select id from due) returning id, attempts, sealed`,
      [nowMs, nowMs + leaseMs, limit],
    )
    const oldestFirst = rows.toSorted((one, other) => (one.id < other.id ? -1 : 1))
    return oldestFirst.map(({ id, attempts, sealed }) => ({ id, attempts, open: () => this.#open(id, sealed) }))
  }

  /**
   * Counts an e-mail against the quota of its mailbox and stores it as the content of the entry, in
   * the caller's transaction, so that each attempt sends the same e-mail. If it exceeds the quota,
   * deletes the entry and returns `undefined`.
   */
  async admit(client: SqlClient, entry: ClaimedEntry, draft: EmailDraft): Promise<Email | undefined> {
    const email = await this.#counted(client, draft)
    if (email === undefined) {
      await this.remove(client, entry)
      const { id } = entry
      const { kind, account } = draft
      await recordLetter(client, { id, kind, account, at: this.#core.clock.now(), outcome: 'withheld' })
    } else if (!(await this.#replace(client, entry, email)))
      throw new Error('Another process has claimed this outbox entry.')
    return email
  }

  /**
   * Returns the e-mail, or the one that replaces further notices of the hour; `undefined` if the
   * quota allows neither.
   */
  async #counted(client: SqlClient, draft: EmailDraft): Promise<Email | undefined> {
    const { quota } = this.#parts
    const { kind, to, account, locale, write } = draft
    if (kind !== 'notices_paused' && (await quota.take(client, kind, draft))) return write()
    const about = topicOf(kind)
    if (about === undefined || !(await quota.takePause(client, about, to))) return undefined
    return { kind: 'notices_paused', about, to, account, locale }
  }

  /** Returns `false` if another process has claimed the entry. */
  async #replace(client: SqlClient, { id, attempts }: ClaimedEntry, content: Email): Promise<boolean> {
    await this.#core.keys.ensureKeys()
    const { rows } = await client.query(
      'update server_outbox set sealed = $3 where id = $1 and attempts = $2 returning id',
      [id, attempts, this.#seal(id, { counted: true, content })],
    )
    return rows.length === 1
  }

  /** Makes an entry due again after a delay. `reason`: the codes of the failure. */
  async postpone({ id, attempts }: ClaimedEntry, delayMs: number, reason: string): Promise<void> {
    await this.#core.store.query(
      'update server_outbox set due_at = $3, last_error = $4 where id = $1 and attempts = $2',
      [id, attempts, this.#core.clock.now() + delayMs, reason],
    )
  }

  /** Returns waiting entries, oldest first. */
  async list({ after, limit }: { after: string; limit: number }): Promise<WaitingLetter[]> {
    await this.#core.keys.ensureKeys()
    const { rows } = await this.#core.store.query<WaitingRow>(
      `select ${waitingColumns} from server_outbox where id > $1 order by id limit $2`,
      [after, limit],
    )
    return rows.map((row) => this.#describe(row))
  }

  /**
   * Returns the waiting entries for the owner of an account, oldest first. The entries are sealed,
   * so that all of them are opened; of more than 1,000 only the oldest are.
   */
  async listTo({ id, email }: Pick<MailOwner, 'id' | 'email'>): Promise<WaitingLetter[]> {
    const oldest = await this.list({ after: '', limit: maxOpened })
    // Whether a request leads to an e-mail depends on the account of the address.
    return oldest.filter(({ account, to }) => account === id || (account === null && to === email))
  }

  /** Returns the number of waiting entries, at most 10,000, and the due time of the first one. */
  async count(): Promise<{ readonly waiting: number; readonly nextDueAt: number | null }> {
    const { rows } = await this.#core.store.query<{ waiting: number; nextDueAt: number | null }>(
      `select count(*) as waiting, min(due_at) as "nextDueAt" from
         (select due_at from server_outbox order by due_at limit ${maxCounted}) as counted`,
    )
    const [counted] = rows
    return { waiting: Number(counted?.waiting ?? 0), nextDueAt: counted?.nextDueAt ?? null }
  }

  /**
   * Makes a waiting entry due now, in the caller's transaction.
   *
   * @throws Problem `letter_unknown`; `letter_sending` while a process sends it
   */
  async hasten(client: SqlClient, id: string): Promise<WaitingLetter> {
    const nowMs = this.#core.clock.now()
    const { rows } = await client.query<WaitingRow>(
      `update server_outbox set due_at = case when due_at < $2 then due_at else $2 end
       where id = $1 and not (${isSending}) returning ${waitingColumns}`,
      [id, nowMs],
    )
    return this.#found(client, id, rows[0])
  }

  /**
   * Deletes a waiting entry, in the caller's transaction, and returns it.
   *
   * @throws Problem `letter_unknown`; `letter_sending` while a process sends it
   */
  async drop(client: SqlClient, id: string): Promise<WaitingLetter> {
    const nowMs = this.#core.clock.now()
    const { rows } = await client.query<WaitingRow>(
      `delete from server_outbox where id = $1 and not (${isSending}) returning ${waitingColumns}`,
      [id, nowMs],
    )
    return this.#found(client, id, rows[0])
  }

  async #found(client: SqlClient, id: string, row: WaitingRow | undefined): Promise<WaitingLetter> {
    if (row !== undefined) {
      await this.#core.keys.ensureKeys()
      return this.#describe(row)
    }
    const { rows } = await client.query('select id from server_outbox where id = $1', [id])
    throw mailFailures.refusal(rows.length === 0 ? 'letter_unknown' : 'letter_sending')
  }

  #describe({ id, sealed, attempts, dueAt, lastError }: WaitingRow): WaitingLetter {
    const isClaimed = attempts > 0 && lastError === null && dueAt > this.#core.clock.now()
    const state = lastError !== null ? 'delayed' : isClaimed ? 'sending' : 'waiting'
    return { id, ...this.#addressed(id, sealed), state, attempts, dueAt, lastError }
  }

  #addressed(id: string, sealed: string): Pick<WaitingLetter, 'kind' | 'to' | 'account'> {
    try {
      const { kind, to, account } = this.#open(id, sealed).content
      return { kind, to, account }
    } catch {
      return { kind: 'unreadable', to: null, account: null }
    }
  }

  /** Deletes an entry; returns `false` if it was deleted already. */
  async remove(client: SqlClient, { id }: Pick<ClaimedEntry, 'id'>): Promise<boolean> {
    const { rows } = await client.query('delete from server_outbox where id = $1 returning id', [id])
    return rows.length === 1
  }

  #seal(id: string, { counted, content }: OutboxContent): string {
    const text = JSON.stringify({ ...content, counted })
    return this.#parts.key.current.seal(Buffer.from(text), bindingOf(id)).sealed
  }

  #open(id: string, sealed: string): OutboxContent {
    // Sealed by this server, so its shape is known. Older versions did not store `counted`.
    const { counted = false, ...content } = JSON.parse(this.#unseal(id, sealed).toString())
    return { counted, content }
  }

  #unseal(id: string, sealed: string): Buffer {
    const entry = { masterKeyId: keyId, sealed }
    const [current, next] = this.#parts.key.accepted
    const open = (keyring: Keyring) => keyring.open(entry, bindingOf(id))
    if (current === undefined || next === undefined) return open(this.#parts.key.current)
    try {
      return open(current)
    } catch {
      return open(next)
    }
  }
}

/** Returns the keyring that seals the outbox. */
export function outboxKeyring(key: Uint8Array): Keyring {
  return Keyring.parse(`${keyId}:${Buffer.from(key).toString('base64url')}`)
}

/** Deletes all entries. */
export async function emptyOutbox(client: SqlClient): Promise<void> {
  await client.query('delete from server_outbox')
}

const waitingColumns = 'id, sealed, attempts, due_at as "dueAt", last_error as "lastError"'

const keyId = 'mail'

function bindingOf(id: string): Binding {
  return ['mail', id]
}
