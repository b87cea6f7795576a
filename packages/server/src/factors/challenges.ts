import type { SqlClient } from 'latchkey/sql'
import type { Core } from '../core.js'
import { isTokenShaped, newToken, tokenHash } from '../random-token.js'
import { skipLocked } from '../row-locks.js'
import type { AuthMethod } from '../sessions/auth-methods.js'
import { factorFailures } from './failures.js'

/** The purposes of challenges, and the data stored with each. */
export interface ChallengePurposes {
  /**
   * A sign-in whose first factor was right. `methods`: those that the owner has used so far.
   * `device`: the name of the bucket of the device (`GuessGuard.nameOfDevice`), which alone can
   * answer the challenge. `passkey`: the random bytes that a passkey may sign, in base64url.
   */
  second_factor: { readonly methods: readonly AuthMethod[]; readonly device: string; readonly passkey?: string }
  /** `challenge`: the random bytes that the authenticator signs, in base64url. */
  passkey_sign_in: { readonly challenge: string }
  passkey_add: { readonly challenge: string }
  passkey_step_up: { readonly challenge: string }
  /**
   * A sign-in by mail. `email`: canonical. `code` and `link`: the hashes of the mailed code and of
   * the token of the mailed link; `null` for none. `attempts`: the codes that were compared.
   * `asker`: see `GuessGuard.askerOf`; `null` until the letter is drafted, which also sets the
   * account. Without it no answer is right.
   */
  mail_sign_in: {
    readonly email: string
    readonly code: string | null
    readonly link: string | null
    readonly attempts: number
    readonly asker: string | null
  }
}

type Purpose = keyof ChallengePurposes

/** A challenge that is to be answered once. */
export interface Challenge<P extends Purpose> {
  readonly purpose: P
  /** The account that the answer must belong to; `null` where the passkey names it. */
  readonly accountId: string | null
  /** The session that asked for the challenge; `null` before a sign-in. */
  readonly sessionId: string | null
  readonly data: ChallengePurposes[P]
}

/** A challenge token for the client. */
export interface IssuedChallenge {
  readonly token: string
  /** Milliseconds since 1970. */
  readonly expiresAt: number
}

const columns = 'purpose, account_id as "accountId", session_id as "sessionId", data'

/**
 * Steps of a sign-in or of a change of factors that wait for the answer of an authenticator. The
 * client receives a random token, of which only the hash is stored, and each challenge can be
 * redeemed once.
 */
export class Challenges {
  readonly #core: Pick<Core, 'store' | 'clock'>

  constructor(core: Pick<Core, 'store' | 'clock'>) {
    this.#core = core
  }

  /**
   * Issues a challenge. `client`: the store, or a transaction of the caller. `token`: a new token,
   * where the data depends on it.
   */
  async issue<P extends Purpose>(
    client: SqlClient,
    { purpose, accountId, sessionId, data }: Challenge<P>,
    ttlSec: number,
    token: string = newToken(),
  ): Promise<IssuedChallenge> {
    const expiresAt = this.#core.clock.now() + ttlSec * 1000
    await client.query(
      `insert into server_challenges (hash, purpose, account_id, session_id, data, expires_at)
       values ($1, $2, $3, $4, $5, $6)`,
      [tokenHash(token), purpose, accountId, sessionId, JSON.stringify(data), expiresAt],
    )
    return { token, expiresAt }
  }

  /**
   * Returns the challenge without redeeming it, so that a wrong code can be tried again.
   *
   * @throws Problem `challenge_invalid`
   */
  find<P extends Purpose>(token: string, purpose: P): Promise<Challenge<P>> {
    const statement = `select ${columns} from server_challenges where hash = $1 and purpose = $2 and expires_at > $3`
    return this.#read(this.#core.store, statement, { token, purpose })
  }

  /**
   * Redeems the challenge in the caller's transaction; only one of several calls succeeds.
   *
   * @throws Problem `challenge_invalid`
   */
  redeem<P extends Purpose>(client: SqlClient, token: string, purpose: P): Promise<Challenge<P>> {
    const statement = `delete from server_challenges where hash = $1 and purpose = $2 and expires_at > $3
      returning ${columns}`
    return this.#read(client, statement, { token, purpose })
  }

  /**
   * Replaces the data of a challenge unless it has changed since it was read.
   *
   * @returns whether the data was replaced
   */
  async replaceData<P extends Purpose>(
    token: string,
    { purpose, data }: Challenge<P>,
    next: ChallengePurposes[P],
  ): Promise<boolean> {
    const { rows } = await this.#core.store.query(
      'update server_challenges set data = $4 where hash = $1 and purpose = $2 and data = $3 returning hash',
      [tokenHash(token), purpose, JSON.stringify(data), JSON.stringify(next)],
    )
    return rows.length === 1
  }

  /**
   * Makes a sign-in by mail one of an account, and revokes the earlier ones of the same asker, in
   * the caller's transaction, which has locked the account. Those of others stay: otherwise anyone
   * could end the sign-in that the owner has just begun.
   *
   * @param hash - The hash of the challenge token.
   */
  async assignMailSignIn(
    client: SqlClient,
    hash: string,
    { accountId, asker }: { readonly accountId: string; readonly asker: string },
  ): Promise<void> {
    const { rows } = await client.query<{ hash: string; data: string }>(
      `select hash, data from server_challenges
       where purpose = 'mail_sign_in' and (account_id = $1 or hash = $2) order by hash`,
      [accountId, hash],
    )
    for (const row of rows) {
      const data = JSON.parse(row.data) as ChallengePurposes['mail_sign_in']
      if (row.hash === hash) {
        const next = JSON.stringify({ ...data, asker })
        await client.query('update server_challenges set account_id = $2, data = $3 where hash = $1', [
          hash,
          accountId,
          next,
        ])
      } else if (data.asker === asker) {
        await client.query('delete from server_challenges where hash = $1', [row.hash])
      }
    }
  }

  /** Revokes all challenges of the account, in the caller's transaction. */
  async revokeAll(client: SqlClient, accountId: string): Promise<void> {
    await client.query('delete from server_challenges where account_id = $1', [accountId])
  }

  /** Deletes expired challenges. */
  async prune(): Promise<void> {
    const { store, clock } = this.#core
    await store.query(
      `delete from server_challenges where hash in (
         select hash from server_challenges where expires_at <= $1 ${skipLocked(store)})`,
      [clock.now()],
    )
  }

  async #read<P extends Purpose>(
    client: SqlClient,
    statement: string,
    { token, purpose }: { token: string; purpose: P },
  ): Promise<Challenge<P>> {
    if (!isTokenShaped(token)) throw factorFailures.refusal('challenge_invalid')
    const { rows } = await client.query<{ accountId: string | null; sessionId: string | null; data: string }>(
      statement,
      [tokenHash(token), purpose, this.#core.clock.now()],
    )
    const [found] = rows
    if (found === undefined) throw factorFailures.refusal('challenge_invalid')
    // Only `issue` writes it, with the shape of its purpose.
    return { ...found, purpose, data: JSON.parse(found.data) as ChallengePurposes[P] }
  }
}

/** Revokes the challenges of all accounts. */
export async function revokeAllChallenges(client: SqlClient): Promise<void> {
  await client.query('delete from server_challenges')
}
