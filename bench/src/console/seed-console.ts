import { createServer, readConfiguration, type Service } from '@latchkey/server'
import pg from 'pg'
import { seedLists } from '../scale/seed-lists.js'

/** The administrator who uses the console. */
export const administrator = { email: 'operator@example.org', password: 'correct horse battery staple' }

type Environment = Readonly<Record<string, string>>

/** Fills the database of these settings with users, and creates the administrator. */
export async function seedConsole(env: Environment, users: number): Promise<void> {
  // First, and until the server has closed: the chain of the audit log begins in an empty log.
  await withService(env, ({ adminCreation }) => adminCreation.createAdmin({ ...administrator, role: 'admin' }))
  await withService(env, ({ store }) => seedLists(store, users))
  await updateStatistics(env.DATABASE_URL ?? '')
}

async function withService(env: Environment, work: (service: Service) => Promise<unknown>): Promise<void> {
  const { service, close } = await createServer(readConfiguration({ ...env, LOG_LEVEL: 'silent' }))
  try {
    await work(service)
  } finally {
    await close()
  }
}

/** Does what autovacuum does within minutes. It takes longer than a store waits. */
async function updateStatistics(connectionString: string): Promise<void> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  try {
    await client.query('vacuum analyze')
  } finally {
    await client.end()
  }
}
