import { type Binding, type Clock, Keyring, type StoredKey } from 'latchkey'
import type { SqlClient, SqlStore } from 'latchkey/sqlite'
import { Problem } from '../problem.js'
import { skipLocked } from '../row-locks.js'
import { uuidV7 } from '../uuid.js'
import type { Letter, MailRequest } from './letter.js'

/** What `Outbox` works with. */
export interface OutboxOptions {
  readonly store: SqlStore
  /** Kept sealed under the master key, so that a rewrap carries what lies in the outbox along. */
  readonly key: StoredKey<Keyring>
  /** Resolves once the key is known as it is now. */
  readonly ensureKeys: () => Promise<void> | undefined
  readonly clock: Clock
  /** Whether anything is ever sent from here. */
  readonly served: boolean
}

/** An entry that was taken out to be sent; it is back by itself when its lease has ended. */
export interface ClaimedEntry {
  readonly id: string
  /** How often it was taken out, this time included. */
  readonly attempts: number
  /** Opens what it holds; throws `master_key_wrong` when it was changed. */
  open(): Letter | MailRequest
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

  /** Adds what is to be sent, in the caller's transaction; nothing where nothing is ever sent. */
  async add(client: SqlClient, content: Letter | MailRequest): Promise<void> {
    if (!this.#options.served) return
    await this.#options.ensureKeys()
    const nowMs = this.#options.clock.now()
    const id = uuidV7(nowMs)
    await client.query(`insert into server_outbox (id, sealed, attempts, due_at) values ($1, $2, 0, $3)`, [
      id,
      this.#seal(id, content),
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

  /** Puts a letter in the place of the request it was made from, in the caller's transaction; `false` if the entry is no longer the caller's. */
  async replace(client: SqlClient, { id, attempts }: ClaimedEntry, letter: Letter): Promise<boolean> {
    await this.#options.ensureKeys()
    const { rows } = await client.query(
      'update server_outbox set sealed = $3 where id = $1 and attempts = $2 returning id',
      [id, attempts, this.#seal(id, letter)],
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

  #seal(id: string, content: Letter | MailRequest): string {
    return this.#options.key.current.seal(Buffer.from(JSON.stringify(content)), bindingOf(id)).sealed
  }

  #open(id: string, sealed: string): Letter | MailRequest {
    const entry = { masterKeyId: keyId, sealed }
    const [current, next] = this.#options.key.accepted
    // Only who holds the key can have made it, so its shape is known.
    const open = (keyring: Keyring) => JSON.parse(keyring.open(entry, bindingOf(id)).toString()) as Letter | MailRequest
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
