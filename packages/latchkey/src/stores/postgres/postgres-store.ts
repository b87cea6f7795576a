import { Socket } from 'node:net'
import pg from 'pg'
import { isError } from '../../is-error.js'
import { setImmediate } from '../../timers.js'
import { ConnectionString } from '../sql/connection-string.js'
import { DatabaseStore } from '../sql/database-store.js'
import type { SqlStore } from '../sql/sql-store.js'
import { lendClient } from './lend-client.js'
import type { PostgresPool } from './postgres-client.js'
import { PostgresDatabase, type PostgresSource } from './postgres-database.js'
import { isLoginRefused } from './postgres-failure.js'
import type { ConnectDedicated, DedicatedClient } from './wake-ups.js'

/** Options of `postgresStore`: either `connectionString` or `pool`. */
export interface PostgresStoreOptions {
  /**
   * `postgres://user:password@host:port/database` of the primary; a replica returns outdated rows.
   * A function is called again when the server refuses the login, so that it can return a rotated
   * password.
   */
  readonly connectionString?: string | (() => string) | undefined
  /**
   * The most connections of the pool, not counting the listening one.
   *
   * @defaultValue 10
   */
  readonly max?: number
  /** A `Pool` of `pg` to use instead. Close the pool yourself, after this store. */
  readonly pool?: PostgresPool
  /**
   * A connection string for the connection that listens for notifications. If the connections above
   * go through a pooler such as PgBouncer in transaction mode, which delivers none, changes reach
   * this process within a third of `maxStaleness`; with this option, within milliseconds.
   *
   * @defaultValue `connectionString`; with `pool`, one of its connections if it has more than one
   */
  readonly listenConnectionString?: string | (() => string) | undefined
  /**
   * The schema of the library's tables, indexes and notifications: up to 50 of `a` to `z`, `0` to
   * `9` and `_`. `migrate()` creates it if it does not exist. Every statement names it, whatever
   * `search_path` a connection or the caller's transaction has. Two stores in two schemas of one
   * database do not affect each other.
   *
   * @defaultValue the first existing schema in the `search_path` of the connection, mostly `public`
   */
  readonly schema?: string | undefined
}

const connectTimeoutMs = 5000

/** The name is put into SQL, and after `latchkey_log_` into the name of a channel of 63 bytes. */
const schemaName = /^[a-z_][a-z0-9_]{0,49}$/

/** PostgreSQL has schemas of its own under these names. */
const reservedSchema = /^(pg_|information_schema$)/

/**
 * Returns a store that keeps tenants' secrets and key pairs in PostgreSQL 12 or newer, for
 * applications of many processes. Needs the package `pg`. Call `migrate()` once before use.
 *
 * The store connects at first use. Verifiers read the change log; `NOTIFY` in the transaction of a
 * change informs them sooner. The commit of a change waits for the disk, also where
 * `synchronous_commit` is off. `change()` also takes a client of `pg` on which the caller has begun
 * a transaction, at the isolation level `read committed`, and the result of `drizzleClient`,
 * `kyselyClient`, `knexClient`, `postgresJsClient`, `prismaClient` and `typeormClient`.
 *
 * @throws TypeError if neither or both of `connectionString` and `pool` are given, if `max` is not
 * a positive whole number, or if `schema` is no such name
 * @example
 * ```ts
 * import { tenantSecrets } from 'latchkey'
 * import { postgresStore } from 'latchkey/postgres'
 *
 * const store = postgresStore({ connectionString: process.env.DATABASE_URL })
 * await store.migrate()
 * const keys = tenantSecrets({ store, masterKeys: process.env.LATCHKEY_MASTER_KEYS })
 * ```
 */
export function postgresStore(options: PostgresStoreOptions): SqlStore {
  checkSchema(options.schema)
  return new DatabaseStore(new PostgresDatabase(sourceOf(options), options.schema))
}

function checkSchema(schema: string | undefined): void {
  if (schema === undefined) return
  if (typeof schema !== 'string' || !schemaName.test(schema) || reservedSchema.test(schema)) {
    throw new TypeError(
      'schema must be a name of at most 50 characters from a-z, 0-9 and _, not beginning with a digit or pg_.',
    )
  }
}

function sourceOf(options: PostgresStoreOptions): PostgresSource {
  const { connectionString, pool, max = 10 } = options
  const listenConnectionString = options.listenConnectionString ?? connectionString
  if ((connectionString === undefined) === (pool === undefined)) {
    throw new TypeError('postgresStore needs connectionString or pool, and not both.')
  }
  if (!(Number.isInteger(max) && max >= 1)) throw new TypeError('max must be a whole number from 1.')
  if (pool !== undefined) {
    const max = pool.options?.max ?? 10
    if (listenConnectionString !== undefined) {
      const connectDedicated = connectTo(new ConnectionString(listenConnectionString, isLoginRefused))
      return { pool, max, connectDedicated, listensAlike: false, close: async () => {} }
    }
    // The listening connection is one of the pool. The last one is needed for statements.
    const connectDedicated = max > 1 ? keepFrom(pool) : undefined
    return { pool, max: Math.max(max - 1, 1), connectDedicated, listensAlike: true, close: async () => {} }
  }
  const address = new ConnectionString(connectionString ?? '', isLoginRefused)
  const ownPool = new pg.Pool({
    Client: clientsFor(address),
    max,
    connectionTimeoutMillis: connectTimeoutMs,
    keepAlive: true,
    allowExitOnIdle: true,
    fallback_application_name: 'latchkey',
  })
  // The pool removes an idle connection that fails; the next caller gets another.
  ownPool.on('error', () => {})
  return {
    pool: renewing(ownPool, address),
    max,
    connectDedicated: connectTo(
      listenConnectionString === connectionString
        ? address
        : new ConnectionString(listenConnectionString ?? '', isLoginRefused),
    ),
    listensAlike: listenConnectionString === connectionString,
    close: () => ownPool.end(),
  }
}

/**
 * Returns the class of the pool's clients. A client that cannot be created fails when it connects:
 * the pool creates one also while it has no caller that could catch an error, such as that of a
 * missing `sslrootcert` file, and the error would end the process.
 */
function clientsFor(address: ConnectionString): typeof pg.Client {
  return new Proxy(pg.Client, {
    construct(Client, [config]: [pg.ClientConfig?]) {
      try {
        return new Client({ ...config, connectionString: address.current })
      } catch (error) {
        return Object.assign(new Client({}), { connect: failWith(error) })
      }
    },
  })
}

/** Returns a `connect` that fails with this error. The pool passes a callback. */
function failWith(error: unknown): (callback: (error: unknown) => void) => void {
  return (callback) => void setImmediate(callback, error)
}

/**
 * Returns the same pool, which connects once more if the login was refused and the connection
 * string has changed.
 */
function renewing(pool: pg.Pool, address: ConnectionString): PostgresPool {
  return {
    options: pool.options,
    get totalCount() {
      return pool.totalCount
    },
    get idleCount() {
      return pool.idleCount
    },
    get waitingCount() {
      return pool.waitingCount
    },
    connect: (lent) => {
      const used = address.current
      pool.connect((error, client) => {
        if (client !== undefined || !address.hasChanged(used, error)) return lent(error, client)
        try {
          pool.connect(lent)
        } catch (thrown) {
          // The new text is no connection string.
          lent(isError(thrown) ? thrown : new Error('pg cannot connect.', { cause: thrown }), undefined)
        }
      })
    },
  }
}

/** Opens a dedicated connection whose socket can be destroyed while the server does not respond. */
function connectTo(address: ConnectionString): ConnectDedicated {
  return async (signal) => {
    const used = address.current
    try {
      return await connectOnce(used, signal)
    } catch (error) {
      if (!address.hasChanged(used, error)) throw error
      return connectOnce(address.current, signal)
    }
  }
}

async function connectOnce(connectionString: string, signal: AbortSignal): Promise<DedicatedClient> {
  const socket = new Socket()
  const destroy = () => void socket.destroy()
  const client = new pg.Client({
    connectionString,
    connectionTimeoutMillis: connectTimeoutMs,
    keepAlive: true,
    fallback_application_name: 'latchkey_feed',
    stream: () => socket,
  })
  // The failure has been reported already. An `error` event without a listener would end the
  // process.
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

function keepFrom(pool: PostgresPool): ConnectDedicated {
  return async () => {
    const client = await lendClient(pool)
    return { client, destroy: () => client.release(true), unref: () => {} }
  }
}
