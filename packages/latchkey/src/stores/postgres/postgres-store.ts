import { Socket } from 'node:net'
import pg from 'pg'
import { DatabaseStore } from '../sql/database-store.js'
import type { SqlStore } from '../sql/sql-store.js'
import { lendClient } from './lend-client.js'
import type { PostgresPool } from './postgres-client.js'
import { PostgresDatabase, type PostgresSource } from './postgres-database.js'
import type { ConnectDedicated } from './postgres-feed.js'

/** Options of `postgresStore`: either `connectionString` or `pool`. */
export interface PostgresStoreOptions {
  /** `postgres://user:password@host:port/database` of the primary; a replica would answer with the past. */
  readonly connectionString?: string | undefined
  /** Connections at most, besides the listening one. Default 10. */
  readonly max?: number
  /** A `Pool` of `pg` to use instead; the caller ends it, after this store. */
  readonly pool?: PostgresPool
  /**
   * Where to listen for changes when the connections above go through a pooler such as PgBouncer, which does not pass notifications on.
   * Default: `connectionString`; with `pool`, one of its connections is kept for listening.
   */
  readonly listenConnectionString?: string | undefined
}

const connectTimeoutMs = 5000

/**
 * Keeps tenants' secrets and key pairs in PostgreSQL 12 or newer, for applications of many processes. Needs the package `pg`. Connects at
 * first use. Every change is announced with `NOTIFY` in its own transaction. `change()` also takes a client of `pg` on which the caller has
 * begun a transaction, at the isolation level `read committed`. Call `migrate()` once before use.
 */
export function postgresStore(options: PostgresStoreOptions): SqlStore {
  return new DatabaseStore(new PostgresDatabase(sourceOf(options)))
}

function sourceOf(options: PostgresStoreOptions): PostgresSource {
  const { connectionString, pool, max = 10, listenConnectionString = connectionString } = options
  if ((connectionString === undefined) === (pool === undefined)) {
    throw new TypeError('postgresStore needs connectionString or pool, and not both.')
  }
  if (!(Number.isInteger(max) && max >= 1)) throw new TypeError('max must be a whole number from 1.')
  if (pool !== undefined) {
    const connectDedicated = listenConnectionString === undefined ? keepFrom(pool) : connectTo(listenConnectionString)
    const listensAlike = listenConnectionString === undefined
    const poolMax = pool.options?.max ?? 10
    // One of its connections is kept for listening.
    return { pool, max: listensAlike ? poolMax - 1 : poolMax, connectDedicated, listensAlike, close: async () => {} }
  }
  const own = new pg.Pool({
    connectionString,
    max,
    connectionTimeoutMillis: connectTimeoutMs,
    keepAlive: true,
    allowExitOnIdle: true,
    fallback_application_name: 'latchkey',
  })
  // An idle connection that dies leaves the pool by itself; whoever comes next gets another.
  own.on('error', () => {})
  return {
    pool: own,
    max,
    connectDedicated: connectTo(listenConnectionString ?? ''),
    listensAlike: listenConnectionString === connectionString,
    close: () => own.end(),
  }
}

/** A connection of its own, whose socket can be torn down while the other side does not answer. */
function connectTo(connectionString: string): ConnectDedicated {
  return async (signal) => {
    const socket = new Socket()
    const destroy = () => void socket.destroy()
    const client = new pg.Client({
      connectionString,
      connectionTimeoutMillis: connectTimeoutMs,
      keepAlive: true,
      fallback_application_name: 'latchkey_feed',
      stream: () => socket,
    })
    // Whatever is told after a failure was answered with is nobody's business any more.
    client.on('error', () => {})
    signal.addEventListener('abort', destroy, { once: true })
    try {
      await client.connect()
      return { client, destroy, unref: () => void socket.unref() }
    } catch (error) {
      destroy()
      throw error
    } finally {
      signal.removeEventListener('abort', destroy)
    }
  }
}

function keepFrom(pool: PostgresPool): ConnectDedicated {
  return async () => {
    const client = await lendClient(pool)
    return { client, destroy: () => client.release(true), unref: () => {} }
  }
}
