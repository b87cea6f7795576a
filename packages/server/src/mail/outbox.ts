import { type Binding, type Clock, Keyring, type StoredKey } from 'latchkey'
import type { SqlClient, SqlStore } from 'latchkey/sql'
import { Problem } from '../problem.js'
import { skipLocked } from '../row-locks.js'
import { uuidV7 } from '../uuid.js'
import {
  type Letter,
  type LetterDraft,
  type LinkLetter,
  type MailOwner,
  type MailRequest,
  type Notice,
  noticeTo,
} from './letter.js'
import { type MailQuota, topicOf } from './mail-quota.js'

/** What `Outbox` works with. */
export interface OutboxOptions {
  readonly store: SqlStore
  /** Kept sealed under the master key, so that a rewrap carries what lies in the outbox along. */
  readonly key: StoredKey<Keyring>
  /** Resolves once the key is known as it is now. */
  readonly ensureKeys: () => Promise<void> | undefined
  readonly clock: Clock
  /** Counts every letter. */
  readonly quota: MailQuota
  /** Whether anything is ever sent from here. */
  readonly served: boolean
}

/** What an entry holds: a letter that was counted and is sent, or something that is still to be counted. */
export type OutboxContent =
  | { readonly counted: true; readonly content: Letter }
  | { readonly counted: false; readonly content: Letter | MailRequest }

/** An entry that was taken out to be sent; it is back by itself when its lease has ended. */
export interface ClaimedEntry {
  readonly id: string
  /** How often it was taken out, this time included. */
  readonly attempts: number
  /** Opens what it holds; throws `master_key_wrong` when it was changed. */
  open(): OutboxContent
}

/** Letters on their way: in the database from the transaction of their cause until they are sent, sealed, because they hold one-time links. */
export class Outbox {
  readonly #options: OutboxOptions

  constructor(options: OutboxOptions) {
    this.#options = options
  }

  /** Whether anything is ever sent from here. */
  get served(): boolean {
    return this.#options.served
  }

  /** Fails with `mail_unavailable` where nothing is ever sent. */
  checkServed(): void {
    if (!this.#options.served) throw new Problem('mail_unavailable')
  }

  /** Adds what is to be sent, in the caller's transaction; nothing where nothing is ever sent. It is counted when its turn comes. */
  add(client: SqlClient, content: LinkLetter | MailRequest): Promise<void> {
    return this.#insert(client, content)
  }

  /** Adds news for the owner of an account, in the caller's transaction; nothing where the address is not verified. */
  async notify(client: SqlClient, owner: MailOwner, notice: Notice): Promise<void> {
    const letter = noticeTo(owner, notice)
    if (letter !== undefined) await this.#insert(client, letter)
  }

  async #insert(client: SqlClient, content: Letter | MailRequest): Promise<void> {
    if (!this.#options.served) return
    await this.#options.ensureKeys()
    const nowMs = this.#options.clock.now()
    const id = uuidV7(nowMs)
    await client.query(`insert into server_outbox (id, sealed, attempts, due_at) values ($1, $2, 0, $3)`, [
      id,
      this.#seal(id, { counted: false, content }),
      nowMs,
    ])
  }

  /** Takes out up to `limit` entries that are due, oldest first. Of several processes that ask at once each gets its own. */
  async claim({ limit, leaseMs }: { limit: number; leaseMs: number }): Promise<ClaimedEntry[]> {
    const { store, clock } = this.#options
    const nowMs = clock.now()
    // Looked at first, because most of the time nothing is due, and a write excludes others from an embedded database.
    const { rows: due } = await store.query('select id from server_outbox where due_at <= $1 limit 1', [nowMs])
    if (due.length === 0) return []
    // What another process is taking is left to it.
    const { rows } = await store.query<{ id: string; attempts: number; sealed: string }>(
      `with due as (
         select id from server_outbox where due_at <= $1 order by due_at, id limit $3 ${skipLocked(store)})
       update server_outbox set attempts = attempts + 1, due_at = $2
       where id in (select id from due) returning id, attempts, sealed`,
      [nowMs, nowMs + leaseMs, limit],
    )
    const oldestFirst = rows.toSorted((one, other) => (one.id < other.id ? -1 : 1))
    return oldestFirst.map(({ id, attempts, sealed }) => ({ id, attempts, open: () => this.#open(id, sealed) }))
  }

  /**
   * Counts a letter against the quota of its mailbox and puts it in the place of what the entry held, in the caller's transaction;
   * from then on each attempt sends the same one. `undefined`, and the entry is gone, when it would be one too many.
   */
  async admit(client: SqlClient, entry: ClaimedEntry, draft: LetterDraft): Promise<Letter | undefined> {
    const letter = await this.#counted(client, draft)
    if (letter === undefined) await this.remove(client, entry)
    else if (!(await this.#replace(client, entry, letter))) throw new Error('Another process has taken it over.')
    return letter
  }

  /** The letter, or the one that stands for all further notices of the hour; `undefined` when neither may be sent. */
  async #counted(client: SqlClient, { kind, to, account, write }: LetterDraft): Promise<Letter | undefined> {
    const { quota } = this.#options
    if (kind !== 'notices_paused' && (await quota.take(client, kind, to))) return write()
    const about = topicOf(kind)
    if (about === undefined || !(await quota.takePause(client, about, to))) return undefined
    return { kind: 'notices_paused', about, to, account }
  }

  /** `false` if the entry is no longer the caller's. */
  async #replace(client: SqlClient, { id, attempts }: ClaimedEntry, content: Letter): Promise<boolean> {
    await this.#options.ensureKeys()
    const { rows } = await client.query(
      'update server_outbox set sealed = $3 where id = $1 and attempts = $2 returning id',
      [id, attempts, this.#seal(id, { counted: true, content })],
    )
    return rows.length === 1
  }

  /** Puts an entry back for later. */
  async postpone({ id, attempts }: ClaimedEntry, delayMs: number): Promise<void> {
    await this.#options.store.query('update server_outbox set due_at = $3 where id = $1 and attempts = $2', [
      id,
      attempts,
      this.#options.clock.now() + delayMs,
    ])
  }

  /** Deletes an entry; `false` if it is gone already. */
  async remove(client: SqlClient, { id }: Pick<ClaimedEntry, 'id'>): Promise<boolean> {
    const { rows } = await client.query('delete from server_outbox where id = $1 returning id', [id])
    return rows.length === 1
  }

  #seal(id: string, { counted, content }: OutboxContent): string {
    const text = JSON.stringify({ ...content, counted })
    return this.#options.key.current.seal(Buffer.from(text), bindingOf(id)).sealed
  }

  #open(id: string, sealed: string): OutboxContent {
    // Only a holder of the key can have made it, so its shape is known. Older versions have not said whether it was counted.
    const { counted = false, ...content } = JSON.parse(this.#unseal(id, sealed).toString())
    return { counted, content }
  }

  #unseal(id: string, sealed: string): Buffer {
    const entry = { masterKeyId: keyId, sealed }
    const [current, next] = this.#options.key.accepted
    const open = (keyring: Keyring) => keyring.open(entry, bindingOf(id))
    if (current === undefined || next === undefined) return open(this.#options.key.current)
    try {
      return open(current)
    } catch {
      return open(next)
    }
  }
}

/** Seals the outbox under this key. */
export function outboxKeyring(key: Uint8Array): Keyring {
  return Keyring.parse(`${keyId}:${Buffer.from(key).toString('base64url')}`)
}

/** Sends nothing of what is waiting. */
export async function emptyOutbox(client: SqlClient): Promise<void> {
  await client.query('delete from server_outbox')
}

const keyId = 'mail'

function bindingOf(id: string): Binding {
  return ['mail', id]
}
