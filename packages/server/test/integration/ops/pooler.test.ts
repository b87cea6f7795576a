import { randomUUID } from 'node:crypto'
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

it.each([
  ['are notified on a direct connection', () => ({ DATABASE_LISTEN_URL: database.url })],
  ['receive changes within a quarter of the maximum staleness', () => ({})],
])('servers work through PgBouncer and %s', async (_, more) => {
  const configuration = readConfiguration({ ...env, ...more() })
  const [one, other] = [await openService(configuration), await openService(configuration)]
  const email = `${randomUUID()}@example.com`
  try {
    const origin = { address: '127.0.0.1', userAgent: null }
    await one.adminCreation.createAdmin({ email, password })
    const { account, tokens } = await one.signIn.login({ email, password }, origin)
    expect(await other.latchkey.verify(tokens.accessToken)).toMatchObject({ subject: account.id })
    await one.keys.revoke(account.id, { everywhere: true })
    const verifying = async () => other.latchkey.verify(tokens.accessToken)
    await expect(verifying()).rejects.toMatchObject({ code: 'token_revoked' })
  } finally {
    await one.close()
    await other.close()
  }
})
