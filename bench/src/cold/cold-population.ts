import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { createLatchkey, Keyring, type Latchkey, tenantSecrets } from 'latchkey'
import { postgresStore } from 'latchkey/postgres'
import { redisCache } from 'latchkey/redis'
import { audience, issuer } from '../population.js'
import type { ColdTask } from './messages.js'

/** Tenants in PostgreSQL and in Redis, with one token each. */
export type ColdPopulation = Pick<ColdTask, 'masterKeys' | 'tokens' | 'kids'>

const tenantsPerTransaction = 500

/** Creates the tenants in an empty database, and fills Redis with all of them. */
export async function createColdPopulation(
  { databaseUrl, redisUrl }: Pick<ColdTask, 'databaseUrl' | 'redisUrl'>,
  tenants: number,
): Promise<ColdPopulation> {
  const masterKeys = Keyring.generate('bench')
  const store = postgresStore({ connectionString: databaseUrl })
  await store.migrate()
  const keys = tenantSecrets({ store, masterKeys })
  const latchkey = createLatchkey({ issuer, audience, keys })
  const subjects = Array.from({ length: tenants }, () => randomUUID())
  for (let start = 0; start < tenants; start += tenantsPerTransaction) {
    const some = subjects.slice(start, start + tenantsPerTransaction)
    await store.transaction(async (client) => {
      for (const subject of some) await keys.provision(subject, { client })
    })
  }
  const tokens = await Promise.all(subjects.map((subject) => issueToken(latchkey, subject)))
  await store.query('analyze')
  await latchkey.close()
  await store.close()
  await share({ databaseUrl, redisUrl, masterKeys, tokens })
  return { masterKeys, tokens, kids: tokens.map(kidOf) }
}

async function issueToken(latchkey: Latchkey, subject: string): Promise<string> {
  const claims = { email: `${subject}@example.com`, role: 'editor' }
  return (await latchkey.issue({ subject, claims, expiresIn: 3600 })).token
}

/** Reads every tenant once, as another process would, which writes them to Redis. */
async function share({
  databaseUrl,
  redisUrl,
  masterKeys,
  tokens,
}: Pick<ColdTask, 'databaseUrl' | 'redisUrl' | 'masterKeys' | 'tokens'>): Promise<void> {
  const store = postgresStore({ connectionString: databaseUrl })
  const client = new Redis(redisUrl)
  // A long timeout, because an entry whose write times out is never written again.
  const cache = redisCache({ client, timeout: 5000 })
  const keys = tenantSecrets({ store, cache, masterKeys })
  const latchkey = createLatchkey({ issuer, audience, keys })
  await Promise.all(tokens.map(async (token) => latchkey.verify(token)))
  while ((await client.dbsize()) < tokens.length) await sleep(10)
  await latchkey.close()
  await store.close()
  client.disconnect()
}

function kidOf(token: string): string {
  return JSON.parse(Buffer.from(token.slice(0, token.indexOf('.')), 'base64url').toString()).kid
}
