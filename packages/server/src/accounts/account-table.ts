import { isUniqueViolation, type SqlClient } from 'latchkey/sql'
import type { Statement } from '../change-together.js'
import { lockAccounts } from '../sessions/account-lock.js'
import { accountFailures } from './failures.js'
import { searchTextOf } from './search-text.js'

/** All values of `Role`. */
export const roles = ['user', 'auditor', 'admin'] as const

/**
 * The role of an account on this server: `user`; `admin`, which may also use the admin routes; or
 * `auditor`, which may use those that only read.
 */
export type Role = (typeof roles)[number]

/**
 * An account that can sign in. `id` is also the tenant whose secret signs its tokens. Times are
 * milliseconds since 1970.
 */
export interface Account {
  readonly id: string
  /** Canonical. */
  readonly email: string
  readonly name: string | null
  readonly role: Role
  /**
   * Role names for applications, separated by spaces; empty if there are none. `scope` has the same
   * form.
   */
  readonly roles: string
  readonly scope: string
  readonly createdAt: number
  readonly signedInAt: number | null
  readonly disabledAt: number | null
  /** When the owner proved access to the mailbox. */
  readonly emailVerifiedAt: number | null
  /** The text of a JSON object that applications store. */
  readonly profile: string
  /** 1 if the account has a confirmed factor besides its password, else 0. */
  readonly secondFactor: number
  /** When all factors of the account end, because an administrator has asked for it. */
  readonly factorResetAt: number | null
  /** The language of its letters and pages, as a BCP 47 tag; `null` if none is stored. */
  readonly locale: string | null
}

/** An account with its password hash. Only code in `accounts/` uses it. */
export interface StoredAccount extends Account {
  readonly passwordHash: string
}

/** Returns the account without its password hash. */
export function withoutHash({ passwordHash, ...account }: StoredAccount): Account {
  return account
}

/** The columns of `Account`. */
export const accountColumns = `id, email, name, role, roles, scope, created_at as "createdAt", signed_in_at as "signedInAt", disabled_at as "disabledAt",
  email_verified_at as "emailVerifiedAt", profile, second_factor as "secondFactor", factor_reset_at as "factorResetAt",
  locale`

/** Inserts an account whose tenant exists already. Throws `email_taken`. */
export async function insertAccount(client: SqlClient, account: StoredAccount): Promise<void> {
  await refusingTakenEmail(
    client.query(
      `insert into server_accounts
         (id, email, name, role, password_hash, created_at, signed_in_at, disabled_at, email_verified_at, locale, search_text)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
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
        account.locale,
        searchTextOf(account),
      ],
    ),
  )
}

/** Returns the account with this ID. */
export async function findAccount(client: SqlClient, id: string): Promise<Account | undefined> {
  const { rows } = await client.query<Account>(`select ${accountColumns} from server_accounts where id = $1`, [id])
  return rows[0]
}

/** Returns whether an account or a client has this ID: both are tenants. */
export async function isIdTaken(client: SqlClient, id: string): Promise<boolean> {
  const { rows } = await client.query('select tenant_id from latchkey_tenants where tenant_id = $1', [id])
  return rows.length > 0
}

/** Returns the account with this canonical address. */
export async function findAccountByEmail(client: SqlClient, email: string): Promise<Account | undefined> {
  const { rows } = await client.query<Account>(`select ${accountColumns} from server_accounts where email = $1`, [
    email,
  ])
  return rows[0]
}

/** Locks the account with this ID until the transaction ends, and returns it. */
export async function lockAccount(client: SqlClient, id: string): Promise<Account | undefined> {
  const locked = await lockAccounts(client, [id])
  return locked.has(id) ? findAccount(client, id) : undefined
}

/** Returns the account with this ID and its password hash. */
export async function findStoredAccount(client: SqlClient, id: string): Promise<StoredAccount | undefined> {
  const { rows } = await client.query<StoredAccount>(
    `select ${accountColumns}, password_hash as "passwordHash" from server_accounts where id = $1`,
    [id],
  )
  return rows[0]
}

/** Returns the account with this canonical address and its password hash. */
export async function findStoredAccountByEmail(client: SqlClient, email: string): Promise<StoredAccount | undefined> {
  const { rows } = await client.query<StoredAccount>(
    `select ${accountColumns}, password_hash as "passwordHash" from server_accounts where email = $1`,
    [email],
  )
  return rows[0]
}

/** The columns to change; `undefined` leaves a column as it is. */
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
  readonly factorResetAt?: number | null | undefined
  readonly signedInAt?: number | undefined
  readonly locale?: string | null | undefined
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
  factorResetAt: 'factor_reset_at',
  signedInAt: 'signed_in_at',
  locale: 'locale',
} as const satisfies Record<keyof AccountChange, string>

/** The condition of a change. */
export interface AccountCondition {
  readonly id: string
  /**
   * The hash that was checked. If the password was changed meanwhile, the condition does not match.
   */
  readonly passwordHash?: string
}

/**
 * Changes at least one column of an account. Returns `undefined` if the condition does not match.
 * Throws `email_taken`.
 */
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
    client.query<Account>(
      `update server_accounts set ${sets.join(', ')} where ${where} returning ${accountColumns}`,
      values,
    ),
  )
  const [updated] = rows
  if (updated !== undefined && (change.email !== undefined || change.name !== undefined)) {
    await client.query('update server_accounts set search_text = $2 where id = $1', [updated.id, searchTextOf(updated)])
  }
  return updated
}

/**
 * Returns the statement that records a sign-in, and replaces the hash by `passwordHash` if there is
 * one. It locks the account. It returns no row if the password was changed since it was checked, if
 * the account is disabled, or if it has got a second factor since it was read.
 */
export function signInRecorded(
  account: StoredAccount,
  {
    nowMs,
    passwordHash = account.passwordHash,
  }: { readonly nowMs: number; readonly passwordHash?: string | undefined },
): Statement {
  return {
    text: `update server_accounts set signed_in_at = $3, password_hash = $4
      where id = $1 and password_hash = $2 and disabled_at is null and second_factor = $5 returning id`,
    values: [account.id, account.passwordHash, nowMs, passwordHash, account.secondFactor],
  }
}

/**
 * Returns the statement that records a sign-in without the password. It locks the account, and
 * returns no row if the account is disabled or gone.
 */
export function passwordlessSignInRecorded({ id }: Account, nowMs: number): Statement {
  return {
    text: 'update server_accounts set signed_in_at = $2 where id = $1 and disabled_at is null returning id',
    values: [id, nowMs],
  }
}

/** Deletes an account and its sessions. Returns `false` if the condition does not match. */
export async function deleteAccount(client: SqlClient, condition: AccountCondition): Promise<boolean> {
  const values: unknown[] = [condition.id]
  const where = whereOf(condition, values)
  const { rows } = await client.query(`delete from server_accounts where ${where} returning id`, values)
  return rows.length === 1
}

/** Returns accounts after the ID `after`, oldest first. */
export async function listAccounts(
  client: SqlClient,
  { after, limit }: { after: string; limit: number },
): Promise<Account[]> {
  const { rows } = await client.query<Account>(
    `select ${accountColumns} from server_accounts where id > $1 order by id limit $2`,
    [after, limit],
  )
  return rows
}

/**
 * Returns a hash that begins with `prefix` but with none of `known`; `undefined` if there is none.
 */
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
