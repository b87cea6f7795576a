import { setTimeout as sleep } from 'node:timers/promises'
import type { SqlStore } from 'latchkey/sql'
import { StartupFailure } from '../startup-failure.js'

const pollMs = 500

/**
 * Resolves once no process holds a verifier lease on this PostgreSQL database, or when `signal`
 * aborts. A lease that came along in a dump ends within a minute; a running server renews its own.
 *
 * @throws StartupFailure `server_running` when a lease is taken or renewed meanwhile.
 */
export async function awaitUnused(store: SqlStore, signal: AbortSignal): Promise<void> {
  const before = await liveLeases(store)
  let live = before
  while (live.size > 0 && !signal.aborted) {
    await sleep(pollMs)
    live = await liveLeases(store)
    if ([...live].some(([id, endsAt]) => before.get(id) !== endsAt)) throw serverRunning()
  }
}

/** The moment at which each live lease ends, by its verifier's ID. */
async function liveLeases(store: SqlStore): Promise<ReadonlyMap<string, string>> {
  const { rows } = await store.query<{ id: string; endsAt: number | string }>(
    `select verifier_id as id, listed_until as "endsAt" from latchkey_verifiers
     where listed_until > extract(epoch from clock_timestamp()) * 1000`,
  )
  return new Map(rows.map(({ id, endsAt }) => [id, String(endsAt)]))
}

function serverRunning(): StartupFailure {
  return new StartupFailure(
    'server_running',
    'A server holds a verifier lease on this database, so a restore would not reach what it has in memory.',
    'Stop every server of this database, and run the command again. Nothing was changed.',
  )
}
