import 'reflect-metadata'
import { drizzle as drizzlePg } from 'drizzle-orm/node-postgres'
import { drizzle as drizzlePostgresJs } from 'drizzle-orm/postgres-js'
import knex from 'knex'
import { CamelCasePlugin, Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import postgres from 'postgres'
import { DataSource } from 'typeorm'
import {
  drizzleClient,
  knexClient,
  kyselyClient,
  type PostgresJsTransaction,
  postgresJsClient,
  typeormClient,
} from '../../src/stores/postgres/index.js'
import type { SqlClient } from '../../src/stores/sql/index.js'

/** A library with transactions of its own, over one database. */
export interface Orm {
  /** Runs `work` in a transaction: committed when it resolves, rolled back when it rejects. */
  transaction<T>(work: (client: SqlClient) => Promise<T>): Promise<T>
  /** Returns a client of the library that has no transaction. */
  outside(): SqlClient
  /** Runs `work` with the library's own transaction object. */
  untranslated(work: (transaction: object) => Promise<void>): Promise<void>
  close(): Promise<unknown>
}

/** Opens each library over the database at a URL. */
export const orms: Readonly<Record<string, (url: string) => Promise<Orm>>> = {
  'Drizzle with pg': async (url) => {
    const pool = openPool(url)
    const db = drizzlePg(pool)
    return {
      transaction: (work) => db.transaction((tx) => work(drizzleClient(tx))),
      outside: () => drizzleClient(db),
      untranslated: (work) => db.transaction(work),
      close: () => pool.end(),
    }
  },

  'Drizzle with postgres.js': async (url) => {
    const sql = postgres(url, quiet)
    const db = drizzlePostgresJs(sql)
    return {
      transaction: (work) => db.transaction((tx) => work(drizzleClient(tx))),
      outside: () => drizzleClient(db),
      untranslated: (work) => db.transaction(work),
      close: () => sql.end(),
    }
  },

  'Kysely in camel case': async (url) => {
    const db = new Kysely({
      dialect: new PostgresDialect({ pool: openPool(url) }),
      plugins: [new CamelCasePlugin()],
    })
    return {
      transaction: (work) => db.transaction().execute((trx) => work(kyselyClient(trx))),
      outside: () => kyselyClient(db),
      untranslated: (work) => db.transaction().execute(work),
      close: () => db.destroy(),
    }
  },

  'Kysely with a controlled transaction': async (url) => {
    const db = new Kysely({ dialect: new PostgresDialect({ pool: openPool(url) }) })
    const transaction = async <T>(work: (client: SqlClient) => Promise<T>): Promise<T> => {
      const trx = await db.startTransaction().execute()
      try {
        const result = await work(kyselyClient(trx))
        await trx.commit().execute()
        return result
      } catch (error) {
        await trx.rollback().execute()
        throw error
      }
    }
    return {
      transaction,
      outside: () => kyselyClient(db),
      untranslated: (work) => db.transaction().execute(work),
      close: () => db.destroy(),
    }
  },

  Knex: async (url) => overKnex(knex({ client: 'pg', connection: url })),

  'Knex that renames columns': async (url) =>
    overKnex(
      knex({
        client: 'pg',
        connection: url,
        postProcessResponse: (result: { readonly rows: readonly object[] }) => ({
          ...result,
          rows: result.rows.map(inCamelCase),
        }),
      }),
    ),

  'postgres.js': async (url) => overPostgresJs(postgres(url, quiet)),

  'postgres.js that renames columns and parses bigint': async (url) =>
    overPostgresJs(postgres(url, { ...quiet, transform: postgres.camel, types: { bigint: postgres.BigInt } })),

  'TypeORM with a manager': async (url) => {
    const database = await new DataSource({ type: 'postgres', url }).initialize()
    return {
      transaction: (work) => database.transaction((manager) => work(typeormClient(manager))),
      outside: () => typeormClient(database.manager),
      untranslated: (work) => database.transaction(work),
      close: () => database.destroy(),
    }
  },

  'TypeORM with a query runner': async (url) => {
    const database = await new DataSource({ type: 'postgres', url }).initialize()
    const run = async <T>(work: (runner: ReturnType<typeof database.createQueryRunner>) => Promise<T>): Promise<T> => {
      const runner = database.createQueryRunner()
      await runner.startTransaction()
      try {
        const result = await work(runner)
        await runner.commitTransaction()
        return result
      } catch (error) {
        await runner.rollbackTransaction()
        throw error
      } finally {
        await runner.release()
      }
    }
    const idle = database.createQueryRunner()
    return {
      transaction: (work) => run((runner) => work(typeormClient(runner))),
      outside: () => typeormClient(idle),
      untranslated: run,
      close: async () => {
        await idle.release()
        await database.destroy()
      },
    }
  },

  'an object with query': async (url) => {
    const pool = openPool(url)
    const clientOf = (connection: pg.Pool | pg.PoolClient): SqlClient => ({
      query: async <Row extends object>(text: string, values: readonly unknown[] = []) => {
        const { rows } = await connection.query(text, [...values])
        return { rows: rows as Row[] }
      },
    })
    const transaction = async <T>(work: (client: SqlClient) => Promise<T>): Promise<T> => {
      const connection = await pool.connect()
      try {
        await connection.query('begin')
        const result = await work(clientOf(connection))
        await connection.query('commit')
        return result
      } catch (error) {
        await connection.query('rollback')
        throw error
      } finally {
        connection.release()
      }
    }
    return {
      transaction,
      outside: () => clientOf(pool),
      untranslated: (work) => work({ query: async () => [] }),
      close: () => pool.end(),
    }
  },
}

/** postgres.js writes notices to standard output by default. */
const quiet = { onnotice: () => {} } as const

function openPool(connectionString: string): pg.Pool {
  const pool = new pg.Pool({ connectionString })
  pool.on('error', () => {})
  return pool
}

function overKnex(db: ReturnType<typeof knex>): Orm {
  return {
    transaction: (work) => db.transaction((trx) => work(knexClient(trx))),
    outside: () => knexClient(db),
    untranslated: (work) => db.transaction(work),
    close: () => db.destroy(),
  }
}

function overPostgresJs(sql: PostgresJs): Orm {
  return {
    transaction: async <T>(work: (client: SqlClient) => Promise<T>) => {
      const results: T[] = []
      await sql.begin(async (tx) => void results.push(await work(postgresJsClient(tx))))
      return results[0] as T
    },
    outside: () => postgresJsClient(sql),
    untranslated: async (work) => void (await sql.begin(work)),
    close: () => sql.end(),
  }
}

/** The type of `postgres()` differs by the types that it parses. */
interface PostgresJs extends PostgresJsTransaction {
  begin(work: (tx: PostgresJsTransaction) => Promise<unknown>): Promise<unknown>
  end(): Promise<unknown>
}

function inCamelCase(row: object): object {
  const renamed = (name: string) => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [renamed(name), value]))
}
