import { once } from 'node:events'
import { createServer } from 'node:http'
import type { TestProject } from 'vitest/node'
import { type PostgresServer, startPostgres } from './start-postgres.js'

declare module 'vitest' {
  export interface ProvidedContext {
    /**
     * The URL of a service that answers a GET with the URL of a running PostgreSQL, or with 500 and
     * the reason why there is none.
     */
    postgresLocatorUrl: string
  }
}

/**
 * Provides one real PostgreSQL for all test files: that of TEST_DATABASE_URL, or else a server that
 * starts on the first request for it, so that a run without database tests does not need it.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  let starting: Promise<PostgresServer> | undefined
  const urlOf = async () => {
    if (process.env.TEST_DATABASE_URL !== undefined) return process.env.TEST_DATABASE_URL
    starting ??= startPostgres()
    return (await starting).url
  }
  const locator = createServer((_request, response) => {
    urlOf().then(
      (url) => response.end(url),
      (error: unknown) => response.writeHead(500).end(String(error)),
    )
  }).listen(0, '127.0.0.1')
  await once(locator, 'listening')
  const address = locator.address()
  if (address === null || typeof address === 'string') throw new Error('A TCP server has a port.')
  project.provide('postgresLocatorUrl', `http://127.0.0.1:${address.port}/`)
  return async () => {
    locator.close()
    locator.closeAllConnections()
    const server = await starting?.catch(() => undefined)
    await server?.dispose()
  }
}
