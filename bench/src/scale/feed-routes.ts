import pg from 'pg'
import { type Pooler, startPgBouncer } from '../../../test/support/start-pgbouncer.js'

/** How the simulated processes reach PostgreSQL. */
export type RouteName = 'direct' | 'NOTIFY off' | 'PgBouncer'

/** A way to a database of its own. */
export interface Route {
  readonly name: RouteName
  /** The URL that the simulated processes use, for everything. */
  readonly url: string
  readonly poolerPid: number | undefined
  /** Stops the pooler, and drops the database. */
  dispose(): Promise<void>
}

/**
 * Creates a database and the way to it:
 *
 * - `direct`: every process connects to the server, and listens.
 * - `NOTIFY off`: so too, but notifications are never sent, as on databases without `NOTIFY`.
 * - `PgBouncer`: everything goes through PgBouncer in transaction mode, which delivers no
 *   notifications.
 */
export async function openRoute(serverUrl: string, name: RouteName, processes: number): Promise<Route> {
  const database = `feed_${name.toLowerCase().replaceAll(' ', '_')}`
  await run(serverUrl, `create database ${database}`)
  const direct = new URL(serverUrl)
  direct.pathname = `/${database}`
  if (name === 'NOTIFY off') await turnOffNotify(direct.href, database)
  const pooler = name === 'PgBouncer' ? await startPooler(direct.href, processes) : undefined
  return {
    name,
    url: pooler?.url ?? direct.href,
    poolerPid: pooler?.pid,
    dispose: async () => {
      await pooler?.dispose()
      await run(serverUrl, `drop database if exists ${database} with (force)`)
    },
  }
}

/** A function of the same name, found first, does nothing. */
async function turnOffNotify(url: string, database: string): Promise<void> {
  await run(
    url,
    `create schema without_notify;
     create function without_notify.pg_notify(text, text) returns void language sql as '';
     alter database ${database} set search_path = public, without_notify, pg_catalog`,
  )
}

function startPooler(url: string, processes: number): Promise<Pooler> {
  // A process has up to two connections; the writer has a pool.
  return startPgBouncer(url, 'transaction', [`max_client_conn=${2 * processes + 100}`, 'default_pool_size=20'])
}

async function run(url: string, text: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  try {
    await client.connect()
    await client.query(text)
  } finally {
    await client.end()
  }
}
