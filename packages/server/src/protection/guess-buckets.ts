import type { SqlClient, SqlStore } from 'latchkey/sql'
import type { Bucket } from '../guess-policy.js'
import { skipLocked } from '../row-locks.js'

/** A bucket as it is stored. Times are milliseconds since 1970. */
export interface StoredLane extends Bucket {
  readonly name: string
  /** Until when its device or network counts as one that has signed in before; 0 if it never has. */
  readonly knownUntil: number
}

/** The stored ones of these buckets. */
export async function readBuckets(client: SqlClient, names: readonly string[]): Promise<Map<string, StoredLane>> {
  const places = names.map((_, index) => `$${index + 1}`).join(', ')
  const { rows } = await client.query<StoredLane>(
    `select name, failures, misses, last_at as "lastAt", known_until as "knownUntil"
     from server_guess_lanes where name in (${places})`,
    names,
  )
  return new Map(rows.map((bucket) => [bucket.name, bucket]))
}

/** Puts `next` in the place of `seen`, unless somebody else has changed the bucket since: of many at once one succeeds. */
export async function replaceBucket(
  client: SqlClient,
  name: string,
  { seen, next }: { readonly seen: Bucket | undefined; readonly next: Bucket },
): Promise<boolean> {
  const { rows } =
    seen === undefined
      ? await client.query(
          `insert into server_guess_lanes (name, failures, misses, last_at, known_until) values ($1, $2, $3, $4, 0)
           on conflict (name) do nothing returning name`,
          [name, next.failures, next.misses, next.lastAt],
        )
      : await client.query(
          `update server_guess_lanes set failures = $2, misses = $3, last_at = $4
           where name = $1 and failures = $5 and misses = $6 and last_at = $7 returning name`,
          [name, next.failures, next.misses, next.lastAt, seen.failures, seen.misses, seen.lastAt],
        )
  return rows.length === 1
}

/** Takes back the failure that was counted before it was known to be a success; no failures are consecutive any more. */
export async function forgiveOne(client: SqlClient, name: string): Promise<void> {
  await client.query(
    `update server_guess_lanes set failures = failures - 1, misses = 0 where name = $1 and failures > 0`,
    [name],
  )
}

/** Takes back what was counted for an attempt whose password was never compared. */
export async function refundOne(client: SqlClient, name: string): Promise<void> {
  await client.query(
    `update server_guess_lanes set failures = failures - 1, misses = case when misses > 0 then misses - 1 else 0 end
     where name = $1 and failures > 0`,
    [name],
  )
}

/** Makes every device and every network of the account unknown to it. */
export async function closeLanes(client: SqlClient, account: string): Promise<void> {
  await client.query('update server_guess_lanes set known_until = 0 where account = $1', [account])
}

/** A bucket to be opened. */
export interface Opening {
  readonly name: string
  readonly knownUntil: number
  /** Whether what failed in it is forgotten. */
  readonly forgive: boolean
}

/**
 * Makes each bucket one of its own for a device or a network that has signed in to the account. One statement, because every login
 * makes it.
 */
export async function openLanes(
  client: SqlClient,
  openings: readonly Opening[],
  { account, nowMs }: { readonly account: string; readonly nowMs: number },
): Promise<void> {
  const values: unknown[] = [nowMs, account]
  const rows = openings.map(({ name, knownUntil }) => {
    const n = values.push(name, knownUntil)
    return `($${n - 1}, 0, 0, $1, $${n}, $2)`
  })
  const kept = openings.filter(({ forgive }) => !forgive).map(({ name }) => `$${values.push(name)}`)
  const unlessKept = (column: string) => {
    const fresh = `excluded.${column}`
    if (kept.length === 0) return fresh
    return `case when server_guess_lanes.name in (${kept.join(', ')}) then server_guess_lanes.${column} else ${fresh} end`
  }
  await client.query(
    `insert into server_guess_lanes (name, failures, misses, last_at, known_until, account) values ${rows.join(', ')}
     on conflict (name) do update set known_until = excluded.known_until, account = excluded.account,
       failures = ${unlessKept('failures')}, misses = ${unlessKept('misses')}, last_at = ${unlessKept('last_at')}`,
    values,
  )
}

/** Deletes buckets that no longer delay anybody and belong to nobody. */
export async function pruneLanes(store: SqlStore, { before, nowMs }: { before: number; nowMs: number }): Promise<void> {
  await store.query(
    `delete from server_guess_lanes where name in (
       select name from server_guess_lanes where last_at < $1 and known_until < $2 ${skipLocked(store)})`,
    [before, nowMs],
  )
}
