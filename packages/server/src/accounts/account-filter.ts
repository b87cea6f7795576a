import type { SqlStore } from 'latchkey/sql'
import { accountSets } from '../database/search-schema.js'
import type { Role } from './account-table.js'

/** All values of `AccountState`. */
export const accountStates = ['active', 'disabled', 'unverified'] as const

/**
 * Whether an account can be used: `disabled`, `unverified` (enabled, but its address is not
 * verified), or `active`. Every account has exactly one state.
 */
export type AccountState = (typeof accountStates)[number]

/** The accounts that a list returns: those that match every member. Times are in milliseconds. */
export interface AccountFilter {
  readonly role?: Role | undefined
  readonly state?: AccountState | undefined
  readonly secondFactor?: boolean | undefined
  /** Accounts that signed in last before this time, or never. */
  readonly signedInBefore?: number | undefined
  /** Accounts that signed in at this time or later. */
  readonly signedInAfter?: number | undefined
  readonly createdBefore?: number | undefined
  /** Accounts created at this time or later. */
  readonly createdAfter?: number | undefined
}

/** The SQL of a filter. */
export interface AccountSelection {
  /** The condition of an index of few accounts, which a walk reads instead of all; or empty. */
  readonly base: string
  /** Returns the conditions of the filter, and adds their values. */
  readonly conditions: (values: unknown[]) => readonly string[]
}

const { admins, disabled, unverified, withFactor } = accountSets

const conditionOfState: Readonly<Record<AccountState, string>> = {
  active: 'disabled_at is null and email_verified_at is not null',
  disabled: disabled.where,
  unverified: unverified.where,
}

/** Returns the SQL of a filter. The base is empty if no index of few accounts fits or is built. */
export async function selectionOf(store: SqlStore, filter: AccountFilter): Promise<AccountSelection> {
  const set = smallestSet(filter)
  const hasBase = set !== undefined && (await isBuilt(store, set.name))
  return { base: hasBase ? set.where : '', conditions: (values) => conditionsOf(filter, values) }
}

/** The sets of accounts that have an index, those with the fewest accounts first. */
function smallestSet({ role, state, secondFactor }: AccountFilter) {
  if (role === 'admin') return admins
  if (state === 'disabled') return disabled
  if (state === 'unverified') return unverified
  return secondFactor === true ? withFactor : undefined
}

/** Returns whether an index of PostgreSQL is complete; SQLite builds its indexes at the start. */
async function isBuilt(store: SqlStore, name: string): Promise<boolean> {
  if (store.dialect === 'sqlite') return true
  const { rows } = await store.query('select 1 from pg_index where indexrelid = to_regclass($1) and indisvalid', [name])
  return rows.length > 0
}

function conditionsOf(filter: AccountFilter, values: unknown[]): readonly string[] {
  const { role, state, secondFactor, signedInBefore, signedInAfter, createdBefore, createdAfter } = filter
  const conditions: string[] = []
  const compare = (column: string, operator: '<' | '>=', value: number | undefined) =>
    value === undefined ? [] : [`${column} ${operator} $${values.push(value)}`]
  // Literals, so that the planner recognises the conditions of the indexes.
  if (role !== undefined) conditions.push(role === 'admin' ? admins.where : `role = $${values.push(role)}`)
  if (state !== undefined) conditions.push(conditionOfState[state])
  if (secondFactor !== undefined) conditions.push(secondFactor ? withFactor.where : 'second_factor = 0')
  conditions.push(...compare('coalesce(signed_in_at, 0)', '<', signedInBefore))
  conditions.push(...compare('signed_in_at', '>=', signedInAfter))
  conditions.push(...compare('created_at', '<', createdBefore), ...compare('created_at', '>=', createdAfter))
  return conditions
}
