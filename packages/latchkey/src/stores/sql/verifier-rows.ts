import type { Verifier } from '../../secrets/ports.js'
import type { Dialect } from './dialect.js'
import type { History } from './history.js'
import type { SqlClient } from './sql-client.js'

/**
 * Creates or renews the lease of the verifier for this time, by the database's clock. A crash must
 * not lose it: a writer that does not find it does not wait for the verifier.
 */
export async function registerVerifier(
  history: History,
  { nowMs, durable, onConflict, inserted, returning }: Dialect,
  { id, maxStalenessMs }: Verifier,
  forMs: number,
): Promise<void> {
  const upsert = `
    insert into latchkey_verifiers (verifier_id, max_staleness_ms, listed_until) values ($1, $2, ${nowMs} + $3)
    ${onConflict('verifier_id')} max_staleness_ms = ${inserted('max_staleness_ms')}, listed_until = ${inserted('listed_until')}`
  await history.run(returning(upsert, `${history.epoch} as history, ${durable} as durable`), [
    id,
    maxStalenessMs,
    forMs,
  ])
}

/** Deletes the lease of the verifier. */
export async function unregisterVerifier(client: SqlClient, id: string): Promise<void> {
  await client.query('delete from latchkey_verifiers where verifier_id = $1', [id])
}

/**
 * Returns the verifiers whose lease is valid and that have acknowledged neither this request nor a
 * later one.
 */
export async function readVerifiers(
  history: History,
  { nowMs }: Dialect,
  request: number,
): Promise<readonly Verifier[]> {
  const { rows } = await history.read<{ verifier_id: string; max_staleness_ms: number | string }>(
    `select verifier_id, max_staleness_ms from latchkey_verifiers where listed_until > ${nowMs} and acknowledged < $1`,
    [request],
  )
  return rows.map((row) => ({ id: row.verifier_id, maxStalenessMs: Number(row.max_staleness_ms) }))
}
