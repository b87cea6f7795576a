import { createHash, randomBytes } from 'node:crypto'
import type { Clock } from 'latchkey'
import type { SqlClient, SqlStore } from 'latchkey/sql'
import type { OneTimeLink } from '../mail/letter.js'
import { Problem } from '../problem.js'
import { skipLocked } from '../row-locks.js'

/** What a token is good for, and what is kept beside it. */
export interface TokenPurposes {
  verify_email: { readonly email: string }
  change_email: { readonly email: string }
  reset_password: { readonly email: string }
  /** A link that was handed out instead of mailed, so that it shows nothing about a mailbox. `madeBy`: the account of the administrator; `null` for the operator. */
  handed_reset: { readonly email: string; readonly madeBy: string | null }
  /** `device`: the name of the bucket of the device that asked. */
  confirm_device: { readonly email: string; readonly device: string }
  register: { readonly email: string; readonly name: string | null; readonly passwordHash: string }
}

type Purpose = keyof TokenPurposes

/** A token that holds. */
export type OneTimeToken = {
  [P in Purpose]: {
    readonly purpose: P
    readonly data: TokenPurposes[P]
    /** Whose it is; `null` before there is an account. */
    readonly accountId: string | null
  }
}[Purpose]

/** What `OneTimeTokens` works with. */
export interface OneTimeTokensOptions {
  readonly store: SqlStore
  readonly clock: Clock
}

// 32 bytes in base64url.
const tokenShape = /^[A-Za-z0-9_-]{43}$/

/**
 * Tokens that are mailed or handed out, and work once. Only their hashes are kept: with 256 random bits in each, a plain one tells nothing of them. An account has one
 * of each purpose, so that a newer one takes the place of the last; those that are to make an account stand each for itself, for else whoever knows an
 * address could keep its owner from registering.
 */
export class OneTimeTokens {
  readonly #options: OneTimeTokensOptions

  constructor(options: OneTimeTokensOptions) {
    this.#options = options
  }

  /** A new token, in the caller's transaction. */
  async issue<P extends Purpose>(
    client: SqlClient,
    { purpose, accountId, data }: { purpose: P; accountId: string | null; data: TokenPurposes[P] },
    ttlSec: number,
  ): Promise<OneTimeLink> {
    const token = randomBytes(32).toString('base64url')
    const expiresAt = this.#options.clock.now() + ttlSec * 1000
    await client.query(
      `insert into server_one_time_tokens (hash, purpose, account_id, data, expires_at) values ($1, $2, $3, $4, $5)
       on conflict (account_id, purpose) do update
         set hash = excluded.hash, data = excluded.data, expires_at = excluded.expires_at`,
      [hashOf(token), purpose, accountId, JSON.stringify(data), expiresAt],
    )
    return { token, expiresAt }
  }

  /** The token, if it is good for one of these purposes. Fails with `link_invalid`. */
  find<P extends Purpose>(token: string, ...purposes: readonly P[]): Promise<Extract<OneTimeToken, { purpose: P }>> {
    const condition = `hash = $1 and expires_at > $2 and purpose in (${places(purposes)})`
    return this.#read(this.#options.store, `select ${columns} from server_one_time_tokens where ${condition}`, {
      token,
      purposes,
    })
  }

  /** Uses the token up, in the caller's transaction: of many at once one succeeds. Fails with `link_invalid`. */
  redeem<P extends Purpose>(
    client: SqlClient,
    token: string,
    ...purposes: readonly P[]
  ): Promise<Extract<OneTimeToken, { purpose: P }>> {
    const condition = `hash = $1 and expires_at > $2 and purpose in (${places(purposes)})`
    return this.#read(client, `delete from server_one_time_tokens where ${condition} returning ${columns}`, {
      token,
      purposes,
    })
  }

  /** Ends the token of one purpose, in the caller's transaction. */
  async revoke(client: SqlClient, accountId: string, purpose: Purpose): Promise<void> {
    await client.query('delete from server_one_time_tokens where account_id = $1 and purpose = $2', [
      accountId,
      purpose,
    ])
  }

  /** Ends every token of the account, in the caller's transaction. */
  async revokeAll(client: SqlClient, accountId: string): Promise<void> {
    await client.query('delete from server_one_time_tokens where account_id = $1', [accountId])
  }

  /** Deletes what has expired. */
  async prune(): Promise<void> {
    const { store, clock } = this.#options
    await store.query(
      `delete from server_one_time_tokens where hash in (
         select hash from server_one_time_tokens where expires_at <= $1 ${skipLocked(store)})`,
      [clock.now()],
    )
  }

  async #read<P extends Purpose>(
    client: SqlClient,
    statement: string,
    { token, purposes }: { token: string; purposes: readonly P[] },
  ): Promise<Extract<OneTimeToken, { purpose: P }>> {
    if (!tokenShape.test(token)) throw new Problem('link_invalid')
    const { rows } = await client.query<{ purpose: string; accountId: string | null; data: string }>(statement, [
      hashOf(token),
      this.#options.clock.now(),
      ...purposes,
    ])
    const [found] = rows
    if (found === undefined) throw new Problem('link_invalid')
    // Written by `issue` alone, with the shape of its purpose.
    return { ...found, data: JSON.parse(found.data) } as Extract<OneTimeToken, { purpose: P }>
  }
}

/** Ends every token of everybody, and every invitation. */
export async function endEveryLink(client: SqlClient): Promise<void> {
  await client.query('delete from server_one_time_tokens')
  await client.query('delete from server_invitations')
}

const columns = 'purpose, account_id as "accountId", data'

/** Places of the purposes behind hash and time. */
function places(purposes: readonly Purpose[]): string {
  return purposes.map((_, index) => `$${index + 3}`).join(', ')
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url')
}
