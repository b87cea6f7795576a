import { randomUUID } from 'node:crypto'
import { Keyring } from 'latchkey'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { blocksLeftOut, Page } from '../../../../../test/support/page.js'
import { createTestDatabase, type TestDatabase } from '../../../../../test/support/test-database.js'
import type { DatabaseConfiguration } from '../../../src/config/configuration.js'
import { openDatabase } from '../../../src/database/open-database.js'
import { Command } from '../../support/command.js'
import { createAdmin, login, password, register } from '../../support/people.js'
import { startServer, type TestServer } from '../../support/start-server.js'

/** A role that may connect to a database, and has no other right. */
class Role {
  readonly name = `app_${randomUUID().slice(0, 8)}`
  readonly #client: pg.Client
  readonly url: string

  private constructor(client: pg.Client, ownerUrl: string) {
    this.#client = client
    const url = new URL(ownerUrl)
    url.username = this.name
    url.password = 'secret'
    this.url = url.href
  }

  static async create({ url }: TestDatabase): Promise<Role> {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    const role = new Role(client, url)
    await client.query(`create role ${role.name} login password 'secret'`)
    await client.query('revoke create on schema public from public')
    return role
  }

  /** Runs a statement as the owner, with the name of the role for `ROLE`. */
  async asOwner(statement: string): Promise<void> {
    await this.#client.query(statement.replaceAll('ROLE', this.name))
  }

  async drop(): Promise<void> {
    await this.asOwner('drop owned by ROLE')
    await this.asOwner('drop role ROLE')
    await this.#client.end()
  }
}

const masterKeys = Keyring.generate('test')
const at = (url: string): DatabaseConfiguration => ({ kind: 'postgres', url, listenUrl: url, masterKeys })

describe('a server whose role has four rights to the tables', () => {
  let database: TestDatabase
  let role: Role
  let running: TestServer

  beforeAll(async () => {
    database = await createTestDatabase()
    role = await Role.create(database)
    // Migrates, as `latchkey migrate` does with the URL of the owner.
    await (await openDatabase(at(database.url))).store.close()
    const [grants = ''] = Page.at('docs/guides/operations.md').take('sql')
    await role.asOwner(grants.replaceAll(/\bapp\b/g, 'ROLE'))
    running = await startServer({
      database: 'sqlite',
      configuration: { database: at(role.url) },
    })
  })
  afterAll(async () => {
    await running?.stop()
    await role?.drop()
    await database?.drop()
  })

  it('serves users, administrators and clients, and runs its background jobs', async () => {
    const { api, server } = running
    const person = await register(running)
    expect((await login(running, person.email)).id).toBe(person.id)
    const refreshed = await api.post('/v1/refresh', { body: { refresh_token: person.refreshToken } })
    expect(refreshed.status).toBe(200)
    const admin = await createAdmin(running)
    const { token } = admin
    const client = await api.post('/v1/admin/clients', { token, body: { name: 'a machine' } })
    expect(client.status).toBe(201)
    for (const action of ['rotate', 'revoke', 'disable', 'enable']) {
      expect((await api.post(`/v1/admin/users/${person.id}/${action}`, { token })).status).toBe(200)
    }
    expect((await api.post('/v1/admin/rotations', { token, body: {} })).status).toBe(200)
    expect((await api.delete(`/v1/admin/users/${person.id}`, { token })).status).toBe(204)
    const { keys, sessions, guesses, auditChain, serviceKeys } = server.service
    await keys.prune()
    await sessions.prune()
    await guesses.prune()
    await auditChain.seal()
    await serviceKeys.rotate()
    expect((await api.get('/readyz')).status).toBe(200)
  })

  it('allows commands to work beside it', async () => {
    const env = { DATABASE_URL: role.url, LATCHKEY_MASTER_KEYS: masterKeys, LOG_LEVEL: 'silent' }
    for (const args of [['migrate'], ['users', 'list'], ['admin', 'create', 'root@example.com'], ['audit', 'verify']]) {
      const { code, stderr } = await new Command(args, env, password).finished
      expect([args, code, stderr]).toEqual([args, 0, ''])
    }
  })

  it('has the grants of docs/guides/operations.md, which has no other block', () => {
    expect(blocksLeftOut('docs/guides/operations.md')).toEqual([])
  })
})

describe('the start of a server whose role lacks a right', () => {
  let database: TestDatabase
  let role: Role

  beforeEach(async () => {
    database = await createTestDatabase()
    role = await Role.create(database)
    return async () => {
      await role.drop()
      await database.drop()
    }
  })

  const outcome = () =>
    openDatabase(at(role.url)).then(
      async ({ store }) => store.close(),
      ({ code, message, hint }) => ({ code, message, hint }),
    )
  const grants = async ({ on = 'all tables in schema public' } = {}) => {
    await role.asOwner(`grant select, insert, update, delete on ${on} to ROLE`)
  }

  it('fails where there are no tables, and names the command to run and the rights to grant', async () => {
    const failure = await outcome()
    expect(failure).toMatchObject({ code: 'database_rights_missing' })
    expect(failure?.hint).toContain('latchkey migrate')
    expect(failure?.hint).toContain(
      `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ${role.name};`,
    )
  })

  it('fails where the role may not use the schema', async () => {
    await (await openDatabase(at(database.url))).store.close()
    await role.asOwner('revoke usage on schema public from public')
    await grants()
    expect(await outcome()).toMatchObject({ code: 'database_rights_missing' })
  })

  it('fails, and names each table, where rights to some are missing', async () => {
    await (await openDatabase(at(database.url))).store.close()
    expect(await outcome()).toMatchObject({ code: 'database_rights_missing' })
    await grants()
    await role.asOwner('revoke delete, update on server_outbox from ROLE')
    const failure = await outcome()
    expect(failure).toMatchObject({ code: 'database_rights_missing' })
    expect(failure?.message).toContain('UPDATE, DELETE on server_outbox')
    await grants({ on: 'server_outbox' })
    expect(await outcome()).toBeUndefined()
  })

  it('fails where the tables are of an older version, which the role may not change', async () => {
    await (await openDatabase(at(database.url))).store.close()
    await grants()
    await role.asOwner(`delete from latchkey_migrations where set_name = 'server' and number > 10`)
    expect(await outcome()).toMatchObject({ code: 'database_rights_missing' })
  })
})

describe('a server whose role loses a right while it runs', () => {
  it('answers with 503, and works again once the right is back', async () => {
    const database = await createTestDatabase()
    const role = await Role.create(database)
    await (await openDatabase(at(database.url))).store.close()
    await role.asOwner('grant select, insert, update, delete on all tables in schema public to ROLE')
    const running = await startServer({
      database: 'sqlite',
      configuration: { database: at(role.url) },
    })
    try {
      const attempt = () =>
        running.api.post('/v1/register', { body: { email: `${randomUUID()}@example.com`, password } })
      await role.asOwner('revoke insert on server_accounts from ROLE')
      const refused = await attempt()
      expect([refused.status, refused.body.code]).toEqual([503, 'store_rights_missing'])
      await role.asOwner('alter table server_one_time_tokens rename to aside')
      const missing = await running.api.post('/v1/email/verify', { body: { token: 'x'.repeat(43), password } })
      expect([missing.status, missing.body.code]).toEqual([503, 'schema_missing'])
      await role.asOwner('alter table aside rename to server_one_time_tokens')
      await role.asOwner('grant insert on server_accounts to ROLE')
      expect((await attempt()).status).toBe(201)
    } finally {
      await running.stop()
      await role.drop()
      await database.drop()
    }
  })
})
