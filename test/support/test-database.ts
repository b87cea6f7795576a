import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'

/** An empty database of one test file. */
export interface TestDatabase {
  /** Connection string of the owner, a superuser. */
  readonly url: string
  /** Removes the database, and ends every connection. */
  drop(): Promise<void>
}

/** Creates a database on the PostgreSQL of this test run. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const response = await fetch(inject('postgresLocatorUrl'))
  const answer = await response.text()
  if (!response.ok) throw new Error(answer)
  return createDatabase(answer)
}

/** Creates a database on the server at `serverUrl`, whose user must have the right to do so. */
export async function createDatabase(serverUrl: string): Promise<TestDatabase> {
  const name = `latchkey_test_${randomBytes(6).toString('hex')}`
  await runOn(serverUrl, `create database ${name}`)
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  return { url: url.href, drop: () => runOn(serverUrl, `drop database ${name} with (force)`) }
}

async function runOn(serverUrl: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: serverUrl })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
