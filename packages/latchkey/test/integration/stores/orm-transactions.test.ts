import { randomUUID } from 'node:crypto'
import { drizzle } from 'drizzle-orm/node-postgres'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/clock.js'
import { drizzleClient, postgresStore } from '../../../src/stores/postgres/index.js'
import { isUniqueViolation, type SqlClient, type SqlStore } from '../../../src/stores/sql/index.js'
import { changing } from '../../../src/testing/store-contract/changing.js'
import type { ContractStore } from '../../../src/testing/store-contract/contract.js'
import { addSecret, read } from '../../../src/testing/store-contract/fixtures.js'
import { transactions } from '../../../src/testing/store-contract/transactions.js'
import { emptyPostgres } from '../../support/databases.js'
import { type Orm, orms } from '../../support/orms.js'
import { outcomeOf, setUp } from '../../support/setup.js'

/** In the transaction of a caller, the feed reports a change after the commit. */
const ofOwnTransactions = 'notifies the listeners of its own process before it acknowledges the commit'

const contract = Object.entries({ ...changing, ...transactions }).filter(([name]) => name !== ofOwnTransactions)

let database: Awaited<ReturnType<typeof emptyPostgres>>
let store: SqlStore
let other: SqlStore
let inSchema: SqlStore
/** Two processes of one application. */
let here: Omit<ReturnType<typeof setUp>, 'clock'>
let there: typeof here

beforeAll(async () => {
  database = await emptyPostgres()
  store = database.open()
  other = database.open()
  inSchema = postgresStore({ connectionString: database.url, schema: 'keys' })
  await store.migrate({
    name: 'users',
    migrations: [{ name: 'users', sql: 'create table users (id text primary key)' }],
  })
  await inSchema.migrate()
  here = setUp({ store, clock: systemClock })
  there = setUp({ store: other, clock: systemClock })
  // Later, the database also holds secrets that are not encrypted under their master key.
  await Promise.all([here.keys.ready(), there.keys.ready()])
})

afterAll(async () => {
  await here.latchkey.close()
  await there.latchkey.close()
  await inSchema.close()
  await database.remove()
})

/** Returns the store with every change in a transaction of the library. */
function changedBy(orm: Orm, over: SqlStore): ContractStore {
  const methods: Partial<ContractStore> = {
    change: (tenant, decide, client) =>
      client === undefined
        ? orm.transaction((own) => over.change(tenant, decide, own))
        : over.change(tenant, decide, client as SqlClient),
    transaction: (work) => orm.transaction(work),
  }
  return new Proxy(over as ContractStore, {
    get: (target, name) => {
      const member = Reflect.get(methods, name) ?? Reflect.get(target, name)
      return typeof member === 'function' && !(name in methods) ? member.bind(target) : member
    },
  })
}

describe.each(Object.entries(orms))('a transaction of %s', (_, open) => {
  let orm: Orm
  let tenant: string

  beforeAll(async () => {
    orm = await open(database.url)
  })

  afterAll(() => orm.close())

  beforeEach(() => {
    tenant = randomUUID()
  })

  describe('in the contract of a store', () => {
    beforeEach(async () => {
      await store.query('delete from latchkey_tenants')
    })

    it.each(contract)('%s', async (_, check) => {
      await check({ store: changedBy(orm, store), other: changedBy(orm, other) })
    })
  })

  it('revokes in every process with its commit, and not before', async () => {
    const { token } = await here.latchkey.issue({ subject: tenant })
    const subject = { subject: tenant }
    await there.latchkey.verify(token)
    await orm.transaction(async (client) => {
      await here.keys.revoke(tenant, { client })
      await here.keys.waitForPropagation()
      expect(await here.latchkey.verify(token)).toMatchObject(subject)
      expect(await there.latchkey.verify(token)).toMatchObject(subject)
    })
    await here.keys.waitForPropagation()
    expect(await outcomeOf(() => there.latchkey.verify(token))).toBe('token_revoked')
    expect(await outcomeOf(() => here.latchkey.verify(token))).toBe('token_revoked')
  })

  it('keeps the tokens when it is rolled back', async () => {
    const { token } = await here.latchkey.issue({ subject: tenant })
    const failed = new Error('Failed by the test.')
    const work = orm.transaction(async (client) => {
      await here.keys.revoke(tenant, { client })
      throw failed
    })
    await expect(work).rejects.toBe(failed)
    await here.keys.waitForPropagation()
    expect(await there.latchkey.verify(token)).toMatchObject({ subject: tenant })
  })

  it('undoes the change with a savepoint, and commits the rest', async () => {
    await orm.transaction(async (client) => {
      await client.query('insert into users (id) values ($1)', [tenant])
      await client.query('savepoint before')
      await store.change(tenant, addSecret, client)
      await client.query('rollback to savepoint before')
    })
    expect(await read(store, tenant)).toBeUndefined()
    expect((await store.query('select id from users where id = $1', [tenant])).rows).toEqual([{ id: tenant }])
  })

  it('fails as a whole with a statement that fails, and shows the error of the driver', async () => {
    const work = orm.transaction(async (client) => {
      await store.change(tenant, addSecret, client)
      const add = () => client.query('insert into users (id) values ($1)', [tenant])
      await add()
      const refused = await add().catch((error: unknown) => error)
      expect(isUniqueViolation(refused)).toBe(true)
      await expect(store.change(tenant, addSecret, client)).rejects.toMatchObject({ code: '25P02' })
      throw refused
    })
    await expect(work).rejects.toMatchObject({ code: '23505' })
    expect(await read(store, tenant)).toBeUndefined()
  })

  it('is busy while another transaction locks the tenant, for as long as its own settings allow', async () => {
    await store.change(tenant, addSecret)
    await store.transaction(async (holder) => {
      await store.change(tenant, addSecret, holder)
      const work = orm.transaction(async (client) => {
        await client.query("set local lock_timeout to '50ms'")
        await store.change(tenant, addSecret, client)
      })
      await expect(work).rejects.toMatchObject({ code: 'store_busy' })
    })
    expect((await read(store, tenant))?.secrets).toHaveLength(2)
  })

  it('finds the tables of a store with a schema, whatever its search path is', async () => {
    const changeIn = (target: SqlStore) =>
      orm.transaction(async (client) => {
        await client.query('set local search_path to nowhere')
        await target.change(tenant, addSecret, client)
      })
    await expect(changeIn(store)).rejects.toMatchObject({ code: 'schema_missing' })
    await changeIn(inSchema)
    expect((await read(inSchema, tenant))?.secrets).toHaveLength(1)
    expect(await read(store, tenant)).toBeUndefined()
  })

  it('must be open, and translated', async () => {
    await expect((async () => store.change(tenant, addSecret, orm.outside()))()).rejects.toThrow(TypeError)
    await orm.untranslated(async (transaction) => {
      const change = store.change(tenant, addSecret, transaction as SqlClient)
      await expect(change).rejects.toThrow(/drizzleClient|postgresJsClient/)
      await expect(change).rejects.toThrow(TypeError)
    })
    expect(await read(store, tenant)).toBeUndefined()
  })
})

describe('a transaction of the caller at a stricter isolation level', () => {
  it('is busy if the tenant has changed since its snapshot', async () => {
    const pool = new pg.Pool({ connectionString: database.url })
    const db = drizzle(pool)
    const tenant = randomUUID()
    await store.change(tenant, addSecret)
    const work = db.transaction(
      async (tx) => {
        await tx.execute('select 1')
        await store.change(tenant, addSecret)
        await store.change(tenant, addSecret, drizzleClient(tx))
      },
      { isolationLevel: 'repeatable read' },
    )
    await expect(work).rejects.toMatchObject({ code: 'store_busy' })
    expect((await read(store, tenant))?.secrets).toHaveLength(2)
    await pool.end()
  })
})

describe('a client', () => {
  it('gets columns of the types that every library reads, such as no void', async () => {
    const { int8, int4, text } = { int8: 20, int4: 23, text: 25 }
    const pool = new pg.Pool({ connectionString: database.url, max: 1 })
    const connection = await pool.connect()
    const found = new Set<number>()
    const client: SqlClient = {
      query: async <Row extends object>(statement: string, values: readonly unknown[] = []) => {
        const { rows, fields } = await connection.query(statement, [...values])
        for (const { dataTypeID } of fields) found.add(dataTypeID)
        return { rows: rows as Row[] }
      },
    }
    await connection.query('begin')
    const tenant = randomUUID()
    await store.change(tenant, addSecret, client)
    await store.change(tenant, addSecret, client)
    await store.change(tenant, () => undefined, client)
    await connection.query('commit')
    connection.release()
    await pool.end()
    expect([...found].filter((type) => ![int8, int4, text].includes(type))).toEqual([])
  })

  it('must return the values of its rows', async () => {
    const tenant = randomUUID()
    const answers = [undefined, [], { rows: undefined }, { rows: [] }, { rows: [{ tenant_id: 'tenant_id' }] }]
    for (const answer of answers) {
      const client = { query: async () => answer } as SqlClient
      await expect(store.change(tenant, addSecret, client)).rejects.toThrow(TypeError)
    }
    expect(await read(store, tenant)).toBeUndefined()
  })
})
