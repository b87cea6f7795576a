import { freePort } from '../../../../test/support/free-port.js'
import type { Configuration } from '../../src/config/configuration.js'
import { startServer, type TestServer } from './start-server.js'

/**
 * Starts a server whose issuer is the address that a browser of this machine reaches it at. So its
 * pages may send forms, set cookies and use passkeys, which need a host name.
 */
export async function startForBrowsers(configuration: Partial<Configuration> = {}): Promise<TestServer> {
  const port = await freePort()
  const issuer = `http://localhost:${port}`
  const passkeys = { rpId: 'localhost', origins: [issuer] }
  return startServer({ database: 'sqlite', configuration: { port, issuer, passkeys, ...configuration } })
}
