import { isUniqueViolation, type SqlClient } from 'latchkey/sql'
import { lockAccounts } from '../sessions/account-lock.js'
import { tryCanonicalEmail } from './email-address.js'
import { accountFailures } from './failures.js'
import { foldText, searchTextOf } from './search-text.js'

/** What an account may do here. */
export const roles = ['user', 'admin'] as const

/** What an account may do here: everybody is a `user`; an `admin` may use the admin routes as well. */
export type Role = (typeof roles)[number]

/** Somebody who can sign in. `id` is also the tenant whose secret signs the account's tokens. Times are milliseconds since 1970. */
export interface Account {
  readonly id: string
  /** Canonical. */
  readonly email: string
  readonly name: string | null
  readonly role: Role
  /** Names with a space between, for the applications behind; so is `scope`. Empty when it has none. */
  readonly roles: string
  readonly scope: string
  readonly createdAt: number
  readonly signedInAt: number | null
  readonly disabledAt: number | null
  /** Since when it is known that its owner reads what is mailed to the address. */
  readonly emailVerifiedAt: number | null
  /** What applications keep with it: the text of a JSON object. */
  readonly profile: string
}

/** An account with the hash of its password; stays inside `accounts/`. */
export interface StoredAccount extends Account {
  readonly passwordHash: string
}

/** The account alone. */
export function withoutHash({ passwordHash, ...account }: StoredAccount): Account {
  return account
}

const columns = `id, email, name, role, roles, scope, created_at as "createdAt", signed_in_at as "signedInAt", disabled_at as "disabledAt",
  email_verified_at as "emailVerifiedAt", profile`

/** A new account, whose tenant exists already. Fails with `email_taken`. */
export async function insertAccount(client: SqlClient, account: StoredAccount): Promise<void> {
  await refusingTakenEmail(
    client.query(
      `insert into server_accounts
         (id, email, name, role, password_hash, created_at, signed_in_at, disabled_at, email_verified_at, search_text)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
      [
        account.id,
        account.email,
        account.name,
        account.role,
        account.passwordHash,
        account.createdAt,
        account.signedInAt,
        account.disabledAt,
        account.emailVerifiedAt,
        searchTextOf(account),
      ],
    ),
  )
}

/** The account with this ID. */
export async function findAccount(client: SqlClient, id: string): Promise<Account | undefined> {
  const { rows } = await client.query<Account>(`select ${columns} from server_accounts where id = $1`, [id])
  return rows[0]
}

/** Whether an account has this ID, or a client: both are tenants. */
export async function isIdTaken(client: SqlClient, id: string): Promise<boolean> {
  const { rows } = await client.query('select tenant_id from latchkey_tenants where tenant_id = $1', [id])
  return rows.length > 0
}

/** The account with this canonical address. */
export async function findAccountByEmail(client: SqlClient, email: string): Promise<Account | undefined> {
  const { rows } = await client.query<Account>(`select ${columns} from server_accounts where email = $1`, [email])
  return rows[0]
}

/** The account with this ID, which nobody else changes until the transaction ends. */
export async function lockAccount(client: SqlClient, id: string): Promise<Account | undefined> {
  const locked = await lockAccounts(client, [id])
  return locked.has(id) ? findAccount(client, id) : undefined
}

/** The account with this ID and its password's hash. */
export async function findStoredAccount(client: SqlClient, id: string): Promise<StoredAccount | undefined> {
  const { rows } = await client.query<StoredAccount>(
    `select ${columns}, password_hash as "passwordHash" from server_accounts where id = $1`,
    [id],
  )
  return rows[0]
}

/** The account with this canonical address and its password's hash. */
export async function findStoredAccountByEmail(client: SqlClient, email: string): Promise<StoredAccount | undefined> {
  const { rows } = await client.query<StoredAccount>(
    `select ${columns}, password_hash as "passwordHash" from server_accounts where email = $1`,
    [email],
  )
  return rows[0]
}

/** What may change in an account. */
export interface AccountChange {
  readonly email?: string | undefined
  readonly name?: string | null | undefined
  readonly role?: Role | undefined
  readonly roles?: string | undefined
  readonly scope?: string | undefined
  readonly passwordHash?: string | undefined
  readonly disabledAt?: number | null | undefined
  readonly emailVerifiedAt?: number | undefined
  readonly profile?: string | undefined
}

const changeable = {
  email: 'email',
  name: 'name',
  role: 'role',
  roles: 'roles',
  scope: 'scope',
  passwordHash: 'password_hash',
  disabledAt: 'disabled_at',
  emailVerifiedAt: 'email_verified_at',
  profile: 'profile',
} as const satisfies Record<keyof AccountChange, string>

/** Which account a change is meant for. */
export interface AccountCondition {
  readonly id: string
  /** The hash that was checked: when another password was set in the meantime, nothing changes. */
  readonly passwordHash?: string
}

/** Changes at least one thing of an account; `undefined` when the condition holds for none. Fails with `email_taken`. */
export async function updateAccount(
  client: SqlClient,
  condition: AccountCondition,
  change: AccountChange,
): Promise<Account | undefined> {
  const values: unknown[] = [condition.id]
  const sets: string[] = []
  for (const key of Object.keys(changeable) as (keyof AccountChange)[]) {
    const value = change[key]
    if (value === undefined) continue
    values.push(value)
    sets.push(`${changeable[key]} = $${values.length}`)
  }
  const where = whereOf(condition, values)
  const { rows } = await refusingTakenEmail(
    client.query<Account>(`update server_accounts set ${sets.join(', ')} where ${where} returning ${columns}`, values),
  )
  const [updated] = rows
  if (updated !== undefined && (change.email !== undefined || change.name !== undefined)) {
    await client.query('update server_accounts set search_text = $2 where id = $1', [updated.id, searchTextOf(updated)])
  }
  return updated
}

/** Notes that somebody signs in; `false` when the password was changed since it was checked, or the account disabled. */
export async function recordSignIn(client: SqlClient, account: StoredAccount, nowMs: number): Promise<boolean> {
  const { rows } = await client.query(
    `update server_accounts set signed_in_at = $3
     where id = $1 and password_hash = $2 and disabled_at is null returning id`,
    [account.id, account.passwordHash, nowMs],
  )
  return rows.length === 1
}

/** Deletes an account and its sessions; `false` when the condition holds for none. */
export async function deleteAccount(client: SqlClient, condition: AccountCondition): Promise<boolean> {
  const values: unknown[] = [condition.id]
  const where = whereOf(condition, values)
  const { rows } = await client.query(`delete from server_accounts where ${where} returning id`, values)
  return rows.length === 1
}

/**
 * Accounts after `after` whose address or name holds `search`, whatever the case and the composition
 * of letters, or whose address is `search`; oldest first.
 */
export async function listAccounts(
  client: SqlClient,
  { search, after, limit }: { search: string; after: string; limit: number },
): Promise<Account[]> {
  const pattern = `%${foldText(search.trim()).replaceAll(/[\\%_]/g, '\\$&')}%`
  const { rows } = await client.query<Account>(
    `select ${columns} from server_accounts
     where id > $1 and (email = $3 or case when search_text is not null then search_text like $2 escape '\\'
       else email like $2 escape '\\' or lower(coalesce(name, '')) like $2 escape '\\' end)
     order by id limit $4`,
    [after, pattern, tryCanonicalEmail(search), limit],
  )
  return rows
}

/** A hash that begins with `prefix`, but with none of `known`; `undefined` when there is none. */
export async function findForeignHash(
  client: SqlClient,
  prefix: string,
  known: readonly string[],
): Promise<string | undefined> {
  const unknown = known.map((_, index) => `and substr(password_hash, 1, length($${index + 2})) <> $${index + 2}`)
  const { rows } = await client.query<{ passwordHash: string }>(
    `select password_hash as "passwordHash" from server_accounts
     where substr(password_hash, 1, length($1)) = $1 ${unknown.join(' ')} limit 1`,
    [prefix, ...known],
  )
  return rows[0]?.passwordHash
}

function whereOf({ passwordHash }: AccountCondition, values: unknown[]): string {
  if (passwordHash === undefined) return 'id = $1'
  values.push(passwordHash)
  return `id = $1 and password_hash = $${values.length}`
}

async function refusingTakenEmail<T>(query: Promise<T>): Promise<T> {
  try {
    return await query
  } catch (error) {
    if (isUniqueViolation(error)) throw accountFailures.refusal('email_taken')
    throw error
  }
}
