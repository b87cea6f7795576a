import type { SqlClient, SqlStore } from 'latchkey/sql'
import type { ConditionalChange } from '../change-together.js'
import type { Bucket } from '../guess-policy.js'
import { skipLocked } from '../row-locks.js'

/** A stored bucket. Times are milliseconds since 1970. */
export interface StoredBucket extends Bucket {
  readonly name: string
  /**
   * The time until which its device or network counts as known to the account; 0 if it never did.
   */
  readonly knownUntil: number
}

/** Returns those of the buckets that are stored, by name. */
export async function readBuckets(client: SqlClient, names: readonly string[]): Promise<Map<string, StoredBucket>> {
  const places = names.map((_, index) => `$${index + 1}`).join(', ')
  const { rows } = await client.query<StoredBucket>(
    `select name, failures, misses, last_at as "lastAt", known_until as "knownUntil"
     from server_guess_lanes where name in (${places})`,
    names,
  )
  return new Map(rows.map((bucket) => [bucket.name, bucket]))
}

/** Replaces `seen` by `next`; returns `false` if the bucket has changed since. */
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

/** Refunds an attempt whose password matched, and resets the consecutive misses. */
export async function refundMatch(client: SqlClient, name: string): Promise<void> {
  const { text, values } = matchRefunded(name)
  await client.query(text('true'), values)
}

/** Returns the change that `refundMatch` makes. */
export function matchRefunded(name: string): ConditionalChange {
  return {
    text: (condition) =>
      `update server_guess_lanes set failures = failures - 1, misses = 0
       where name = $1 and failures > 0 and ${condition}`,
    values: [name],
  }
}

/** Refunds an attempt whose password was never compared. */
export async function refundUncompared(client: SqlClient, name: string): Promise<void> {
  await client.query(
    `update server_guess_lanes set failures = failures - 1, misses = case when misses > 0 then misses - 1 else 0 end
     where name = $1 and failures > 0`,
    [name],
  )
}

/** Makes every device and every network unknown to the account. */
export async function forgetDevices(client: SqlClient, account: string): Promise<void> {
  await client.query('update server_guess_lanes set known_until = 0 where account = $1', [account])
}

/** A bucket whose device or network becomes known to the account. */
export interface TrustedBucket {
  readonly name: string
  readonly knownUntil: number
  /** Whether its failures are set to zero. */
  readonly resetFailures: boolean
}

/** Returns the change that makes the device or network of a bucket known to the account. */
export function bucketTrusted(
  { name, knownUntil, resetFailures }: TrustedBucket,
  { account, nowMs }: { readonly account: string; readonly nowMs: number },
): ConditionalChange {
  const reset = resetFailures ? ', failures = 0, misses = 0, last_at = excluded.last_at' : ''
  return {
    text: (condition) =>
      `insert into server_guess_lanes (name, failures, misses, last_at, known_until, account)
       select $1, 0, 0, $2, $3, $4 where ${condition}
       on conflict (name) do update set known_until = excluded.known_until, account = excluded.account${reset}`,
    values: [name, nowMs, knownUntil, account],
  }
}

/** Deletes buckets that cause no delay any more and whose device or network is not known. */
export async function pruneBuckets(
  store: SqlStore,
  { before, nowMs }: { before: number; nowMs: number },
): Promise<void> {
  await store.query(
    `delete from server_guess_lanes where name in (
       select name from server_guess_lanes where last_at < $1 and known_until < $2 ${skipLocked(store)})`,
    [before, nowMs],
  )
}
