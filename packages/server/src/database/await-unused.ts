import { setTimeout as sleep } from 'node:timers/promises'
import type { SqlStore } from 'latchkey/sql'
import { StartupFailure } from '../startup-failure.js'

const pollMs = 500

/**
 * Resolves once no process holds a verifier lease on this PostgreSQL database, or when `signal`
 * aborts. A lease that a dump has restored ends within a minute; a running server renews its lease.
 *
 * @throws StartupFailure `server_running` if a lease is taken or renewed meanwhile
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

/** Returns the end of each live lease by the ID of its verifier. */
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
    'A running server holds a verifier lease on this database, and would keep old data in memory after a restore.',
    'Stop every server of this database and run the command again. Nothing was changed.',
  )
}
