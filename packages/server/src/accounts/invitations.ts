import type { SqlClient } from 'latchkey/sql'
import type { Configuration } from '../config/configuration.js'
import type { Core } from '../core.js'
import type { OneTimeLink } from '../mail/email.js'
import type { KeyedNames } from '../mail/mail-quota.js'
import { isTokenShaped, newToken } from '../random-token.js'
import { skipLocked } from '../row-locks.js'
import { uuidV7 } from '../uuid.js'
import { accountFailures } from './failures.js'

/** All values of `Delivery`. */
export const deliveries = ['mail', 'link'] as const

/** How the invited person receives the link: by e-mail, or from the administrator. */
export type Delivery = (typeof deliveries)[number]

/** A pending invitation. Times are milliseconds since 1970. */
export interface Invitation {
  readonly id: string
  /** Canonical: the account gets this address and no other. */
  readonly email: string
  readonly delivery: Delivery
  /** The account of the administrator, or `cli`. */
  readonly invitedBy: string
  readonly createdAt: number
  readonly expiresAt: number
  /**
   * When the e-mail with the link was written; `null` before, and if the administrator received the
   * link.
   */
  readonly mailedAt: number | null
}

// Without a hash, the e-mail with the link is not written yet.
const columns = `id, email, invited_by as "invitedBy", created_at as "createdAt", expires_at as "expiresAt", mailed_at as "mailedAt",
  case when hash is null or mailed_at is not null then 'mail' else 'link' end as delivery`

/**
 * Invitations to create an account. Each one is bound to one address, works once, and expires. Only
 * a keyed hash of its token is stored, so that write access to the database is not enough to forge
 * one. An address has at most one invitation: a new one replaces the old one.
 */
export class Invitations {
  readonly #core: Core
  readonly #names: KeyedNames
  readonly #ttlSec: number

  constructor(core: Core, names: KeyedNames, { invitationTtlSec }: Pick<Configuration, 'invitationTtlSec'>) {
    this.#core = core
    this.#names = names
    this.#ttlSec = invitationTtlSec
  }

  /**
   * Adds an invitation without a link, in the caller's transaction. An earlier invitation of the
   * address becomes invalid.
   */
  async add(client: SqlClient, { email, invitedBy }: Pick<Invitation, 'email' | 'invitedBy'>): Promise<Invitation> {
    const createdAt = this.#core.clock.now()
    const expiresAt = createdAt + this.#ttlSec * 1000
    const { rows } = await client.query<Invitation>(
      `insert into server_invitations (id, email, invited_by, created_at, expires_at) values ($1, $2, $3, $4, $5)
       on conflict (email) do update set id = excluded.id, hash = null, mailed_at = null,
         invited_by = excluded.invited_by, created_at = excluded.created_at, expires_at = excluded.expires_at
       returning ${columns}`,
      [uuidV7(createdAt), email, invitedBy, createdAt, expiresAt],
    )
    return known(rows[0])
  }

  /** Returns the invitation if its e-mail is not written yet. */
  async findUnmailed(client: SqlClient, id: string): Promise<Invitation | undefined> {
    const { rows } = await client.query<Invitation>(
      `select ${columns} from server_invitations where id = $1 and hash is null and expires_at > $2`,
      [id, this.#core.clock.now()],
    )
    return rows[0]
  }

  /** Makes the link of an invitation, in the caller's transaction. */
  async makeLink(client: SqlClient, { id, expiresAt }: Invitation, delivery: Delivery): Promise<OneTimeLink> {
    const token = newToken()
    const mailedAt = delivery === 'mail' ? this.#core.clock.now() : null
    await client.query('update server_invitations set hash = $2, mailed_at = $3 where id = $1 and hash is null', [
      id,
      await this.#hashOf(token),
      mailedAt,
    ])
    return { token, expiresAt }
  }

  /** Returns the invitation of this token. Throws `link_invalid`. */
  find(token: string): Promise<Invitation> {
    return this.#read(
      this.#core.store,
      `select ${columns} from server_invitations where hash = $1 and expires_at > $2`,
      token,
    )
  }

  /**
   * Redeems the invitation in the caller's transaction; only one call succeeds. Throws
   * `link_invalid`.
   */
  redeem(client: SqlClient, token: string): Promise<Invitation> {
    return this.#read(
      client,
      `delete from server_invitations where hash = $1 and expires_at > $2 returning ${columns}`,
      token,
    )
  }

  /** Returns pending invitations after the one with the ID `after`, oldest first. */
  async list({ after, limit }: { readonly after: string; readonly limit: number }): Promise<Invitation[]> {
    const { rows } = await this.#core.store.query<Invitation>(
      `select ${columns} from server_invitations where id > $1 and expires_at > $2 order by id limit $3`,
      [after, this.#core.clock.now(), limit],
    )
    return rows
  }

  /** Returns the pending invitations that an account has sent, oldest first, at most 1,000. */
  async listBy(accountId: string): Promise<Invitation[]> {
    const { rows } = await this.#core.store.query<Invitation>(
      `select ${columns} from server_invitations where invited_by = $1 and expires_at > $2 order by id limit 1000`,
      [accountId, this.#core.clock.now()],
    )
    return rows
  }

  /** Revokes an invitation, in the caller's transaction. Throws `invitation_unknown`. */
  async revoke(client: SqlClient, id: string): Promise<void> {
    const { rows } = await client.query('delete from server_invitations where id = $1 returning id', [id])
    known(rows[0])
  }

  /** Deletes expired invitations. */
  async prune(): Promise<void> {
    const { store, clock } = this.#core
    await store.query(
      `delete from server_invitations where id in (
         select id from server_invitations where expires_at <= $1 ${skipLocked(store)})`,
      [clock.now()],
    )
  }

  async #read(client: SqlClient, statement: string, token: string): Promise<Invitation> {
    if (!isTokenShaped(token)) throw accountFailures.refusal('link_invalid')
    const { rows } = await client.query<Invitation>(statement, [await this.#hashOf(token), this.#core.clock.now()])
    const [found] = rows
    if (found === undefined) throw accountFailures.refusal('link_invalid')
    return found
  }

  async #hashOf(token: string): Promise<string> {
    await this.#core.keys.ensureKeys()
    return this.#names.of('invitation', token)
  }
}

function known<T>(found: T | undefined): T {
  if (found === undefined) throw accountFailures.refusal('invitation_unknown')
  return found
}
