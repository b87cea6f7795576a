import type { SqlClient } from 'latchkey/sql'
import type { Core } from '../core.js'
import type { OneTimeLink } from '../mail/email.js'
import { isTokenShaped, newToken, tokenHash } from '../random-token.js'
import { skipLocked } from '../row-locks.js'
import { accountFailures } from './failures.js'

/** The purposes of tokens, and the data stored with each. */
export interface TokenPurposes {
  verify_email: { readonly email: string }
  change_email: { readonly email: string }
  reset_password: { readonly email: string }
  /**
   * A link that an administrator received instead of a mailbox, so that it does not prove access to
   * a mailbox. `madeBy`: the account of the administrator; `null` for the operator.
   */
  handed_reset: { readonly email: string; readonly madeBy: string | null }
  /** `device`: the name of the bucket of the device that tried to sign in. */
  confirm_device: { readonly email: string; readonly device: string }
  /** For an administrator who acts in a session of the account. `session`: that of `madeBy`. */
  impersonate: { readonly madeBy: string; readonly session: string; readonly reason: string; readonly minutes: number }
  register: { readonly email: string; readonly name: string | null; readonly passwordHash: string }
}

type Purpose = keyof TokenPurposes

/** A valid token. */
export type OneTimeToken = {
  [P in Purpose]: {
    readonly purpose: P
    readonly data: TokenPurposes[P]
    /** The account of the token; `null` for a registration. */
    readonly accountId: string | null
  }
}[Purpose]

/**
 * Tokens that are mailed or shown to an administrator, and work once. Only their hashes are stored;
 * with 256 random bits a plain hash suffices. An account has at most one token of each purpose: a
 * new one replaces the old one. Tokens that create an account are independent of each other.
 * Otherwise, an attacker could block the registration of another person's address by requesting
 * tokens for it.
 */
export class OneTimeTokens {
  readonly #core: Core

  constructor(core: Core) {
    this.#core = core
  }

  /** Issues a token in the caller's transaction. */
  async issue<P extends Purpose>(
    client: SqlClient,
    { purpose, accountId, data }: { purpose: P; accountId: string | null; data: TokenPurposes[P] },
    ttlSec: number,
  ): Promise<OneTimeLink> {
    const token = newToken()
    const expiresAt = this.#core.clock.now() + ttlSec * 1000
    await client.query(
      `insert into server_one_time_tokens (hash, purpose, account_id, data, expires_at) values ($1, $2, $3, $4, $5)
       on conflict (account_id, purpose) do update
         set hash = excluded.hash, data = excluded.data, expires_at = excluded.expires_at`,
      [tokenHash(token), purpose, accountId, JSON.stringify(data), expiresAt],
    )
    return { token, expiresAt }
  }

  /** Returns the token if it is valid for one of these purposes. Throws `link_invalid`. */
  find<P extends Purpose>(token: string, ...purposes: readonly P[]): Promise<Extract<OneTimeToken, { purpose: P }>> {
    const condition = `hash = $1 and expires_at > $2 and purpose in (${places(purposes)})`
    return this.#read(this.#core.store, `select ${columns} from server_one_time_tokens where ${condition}`, {
      token,
      purposes,
    })
  }

  /** Redeems the token in the caller's transaction; only one call succeeds. Throws `link_invalid`. */
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

  /** Revokes the token of one purpose, in the caller's transaction. */
  async revoke(client: SqlClient, accountId: string, purpose: Purpose): Promise<void> {
    await client.query('delete from server_one_time_tokens where account_id = $1 and purpose = $2', [
      accountId,
      purpose,
    ])
  }

  /** Revokes every token of the account, in the caller's transaction. */
  async revokeAll(client: SqlClient, accountId: string): Promise<void> {
    await client.query('delete from server_one_time_tokens where account_id = $1', [accountId])
  }

  /** Deletes expired tokens. */
  async prune(): Promise<void> {
    const { store, clock } = this.#core
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
    if (!isTokenShaped(token)) throw accountFailures.refusal('link_invalid')
    const { rows } = await client.query<{ purpose: string; accountId: string | null; data: string }>(statement, [
      tokenHash(token),
      this.#core.clock.now(),
      ...purposes,
    ])
    const [found] = rows
    if (found === undefined) throw accountFailures.refusal('link_invalid')
    // Only `issue` writes it, with the shape of its purpose.
    return { ...found, data: JSON.parse(found.data) } as Extract<OneTimeToken, { purpose: P }>
  }
}

/** Revokes all one-time tokens and all invitations. */
export async function revokeAllLinks(client: SqlClient): Promise<void> {
  await client.query('delete from server_one_time_tokens')
  await client.query('delete from server_invitations')
}

const columns = 'purpose, account_id as "accountId", data'

/** Returns the placeholders of the purposes, which follow hash and time. */
function places(purposes: readonly Purpose[]): string {
  return purposes.map((_, index) => `$${index + 3}`).join(', ')
}
