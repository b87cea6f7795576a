import type { SqlClient, SqlStore } from 'latchkey/sql'
import { skipLocked } from '../row-locks.js'
import { factorFailures } from './failures.js'

/** The kinds of factors that an account can add. */
export type FactorKind = 'passkey' | 'totp'

/** A factor of an account. Times are milliseconds since 1970. */
export interface Factor {
  readonly id: string
  readonly accountId: string
  readonly kind: FactorKind
  /** The name that the owner has chosen. */
  readonly name: string
  /** The ID of the credential in base64url; `null` unless it is a passkey. */
  readonly credentialId: string | null
  /** JSON, of the shape of its kind. */
  readonly data: string
  readonly createdAt: number
  /** `null` until the owner has used it once. Only a confirmed factor counts. */
  readonly confirmedAt: number | null
  readonly lastUsedAt: number | null
}

const columns = `id, account_id as "accountId", kind, name, credential_id as "credentialId", data,
  created_at as "createdAt", confirmed_at as "confirmedAt", last_used_at as "lastUsedAt"`

/** The maximum number of confirmed factors of an account. */
export const maxFactors = 20

/**
 * The condition that the account of a row of `server_accounts` has a second factor. Every function
 * of this file that changes the confirmed factors of an account also changes this column of it.
 * PostgreSQL checks the condition of an update again after it has waited for the row, but on other
 * tables as they were before: a condition on `server_factors` could miss a new factor.
 */
export const hasSecondFactor = 'server_accounts.second_factor = 1'

/** Inserts a factor, in the caller's transaction, which has locked the account. */
export async function insertFactor(client: SqlClient, factor: Factor): Promise<void> {
  await client.query(
    `insert into server_factors
       (id, account_id, kind, name, credential_id, data, created_at, confirmed_at, last_used_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [
      factor.id,
      factor.accountId,
      factor.kind,
      factor.name,
      factor.credentialId,
      factor.data,
      factor.createdAt,
      factor.confirmedAt,
      factor.lastUsedAt,
    ],
  )
  if (factor.confirmedAt !== null) await recordSecondFactor(client, factor.accountId)
}

/**
 * Throws `factor_limit` if the account has the maximum number of confirmed factors. In the caller's
 * transaction, which has locked the account.
 */
export async function checkRoomForFactor(client: SqlClient, accountId: string): Promise<void> {
  const confirmed = (await listFactors(client, accountId)).filter(({ confirmedAt }) => confirmedAt !== null)
  if (confirmed.length >= maxFactors) throw factorFailures.refusal('factor_limit')
}

/** Returns the factors of the account, oldest first, also those that are not confirmed yet. */
export async function listFactors(client: SqlClient, accountId: string): Promise<Factor[]> {
  const { rows } = await client.query<Factor>(
    `select ${columns} from server_factors where account_id = $1 order by id`,
    [accountId],
  )
  return rows
}

/** Returns the passkey with this credential ID. */
export async function findPasskey(client: SqlClient, credentialId: string): Promise<Factor | undefined> {
  const { rows } = await client.query<Factor>(
    `select ${columns} from server_factors where kind = 'passkey' and credential_id = $1`,
    [credentialId],
  )
  return rows[0]
}

/**
 * Records a use of a factor and its new data, unless another use has changed it since it was read.
 * One statement, so that only one of several simultaneous uses succeeds. The first use confirms it,
 * for which the caller's transaction must have locked the account.
 */
export async function recordUse(
  client: SqlClient,
  { id, accountId, confirmedAt, data: seen }: Pick<Factor, 'id' | 'accountId' | 'confirmedAt' | 'data'>,
  { data, nowMs }: { readonly data: string; readonly nowMs: number },
): Promise<boolean> {
  const { rows } = await client.query(
    `update server_factors set data = $3, last_used_at = $4, confirmed_at = coalesce(confirmed_at, $4)
     where id = $1 and data = $2 returning id`,
    [id, seen, data, nowMs],
  )
  if (rows.length === 1 && confirmedAt === null) await recordSecondFactor(client, accountId)
  return rows.length === 1
}

/** Renames a factor of the account; returns `false` if there is none with this ID. */
export async function renameFactor(
  client: SqlClient,
  { id, accountId }: Pick<Factor, 'id' | 'accountId'>,
  name: string,
): Promise<boolean> {
  const { rows } = await client.query(
    'update server_factors set name = $3 where id = $1 and account_id = $2 returning id',
    [id, accountId, name],
  )
  return rows.length === 1
}

/**
 * Deletes a factor of the account and returns it; `undefined` if there is none with this ID. In the
 * caller's transaction, which has locked the account.
 */
export async function deleteFactor(
  client: SqlClient,
  { id, accountId }: Pick<Factor, 'id' | 'accountId'>,
): Promise<Factor | undefined> {
  const { rows } = await client.query<Factor>(
    `delete from server_factors where id = $1 and account_id = $2 returning ${columns}`,
    [id, accountId],
  )
  await recordSecondFactor(client, accountId)
  return rows[0]
}

/**
 * Deletes all factors and recovery codes of the account, in the caller's transaction, which has
 * locked the account.
 */
export async function deleteAllFactors(client: SqlClient, accountId: string): Promise<void> {
  await client.query('delete from server_factors where account_id = $1', [accountId])
  await client.query('delete from server_recovery_codes where account_id = $1', [accountId])
  await recordSecondFactor(client, accountId)
}

/** Deletes factors that were not confirmed, and whose addition began before this time. */
export async function pruneUnconfirmed(store: SqlStore, beforeMs: number): Promise<void> {
  await store.query(
    `delete from server_factors where id in (
       select id from server_factors where confirmed_at is null and created_at < $1 ${skipLocked(store)})`,
    [beforeMs],
  )
}

/** Records in the row of the account whether it has a confirmed factor. */
async function recordSecondFactor(client: SqlClient, accountId: string): Promise<void> {
  await client.query(
    `update server_accounts set second_factor = case when exists (
       select 1 from server_factors f where f.account_id = $1 and f.confirmed_at is not null) then 1 else 0 end
     where id = $1`,
    [accountId],
  )
}
