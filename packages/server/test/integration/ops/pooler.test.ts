import { Keyring } from 'latchkey'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Pooler, startPgBouncer } from '../../../../../test/support/start-pgbouncer.js'
import { createTestDatabase, type TestDatabase } from '../../../../../test/support/test-database.js'
import { readConfiguration } from '../../../src/config/configuration.js'
import { openService } from '../../../src/service.js'
import { password } from '../../support/people.js'

let database: TestDatabase
let pooler: Pooler
let env: Record<string, string>

beforeAll(async () => {
  database = await createTestDatabase()
  pooler = await startPgBouncer(database.url, 'transaction')
  env = { DATABASE_URL: pooler.url, LATCHKEY_MASTER_KEYS: Keyring.generate('k1') }
})

afterAll(async () => {
  await pooler.dispose()
  await database.drop()
})

it('servers work through PgBouncer and receive changes on a direct connection', async () => {
  const configuration = readConfiguration({ ...env, DATABASE_LISTEN_URL: database.url })
  const [one, other] = [await openService(configuration), await openService(configuration)]
  try {
    const origin = { address: '127.0.0.1', userAgent: null }
    await one.adminCreation.createAdmin({ email: 'ada@example.com', password })
    const { account, tokens } = await one.signIn.login({ email: 'ada@example.com', password }, origin)
    expect(await other.latchkey.verify(tokens.accessToken)).toMatchObject({ subject: account.id })
    await one.keys.revoke(account.id)
    await expect
      .poll(async () => {
        try {
          return (await other.latchkey.verify(tokens.accessToken)).subject
        } catch (error) {
          return (error as { code?: string }).code
        }
      })
      .toBe('token_revoked')
  } finally {
    await one.close()
    await other.close()
  }
})

it('a server that would listen through PgBouncer does not start', async () => {
  await expect(openService(readConfiguration(env))).rejects.toMatchObject({ code: 'feed_unheard' })
})
