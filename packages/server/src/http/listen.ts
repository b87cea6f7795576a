import { StartupFailure } from '../startup-failure.js'
import type { App } from './app.js'

/**
 * Starts listening.
 *
 * @returns the port; the system chooses one for port 0
 * @throws StartupFailure `port_in_use`, `address_unusable`
 */
export async function listen(
  app: App,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<number> {
  try {
    await app.listen({ host, port })
  } catch (error) {
    throw listenFailure(error, host, port)
  }
  const address = app.server.address()
  return typeof address === 'object' && address !== null ? address.port : port
}

function listenFailure(error: unknown, host: string, port: number): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'EADDRINUSE') {
    const hint = `Stop that process, or choose another port, such as PORT=${port < 65_535 ? port + 1 : 3000}.`
    return new StartupFailure('port_in_use', `Another process already listens on port ${port} of ${host}.`, hint)
  }
  if (typeof code !== 'string' || !/^E(ACCES|ADDRNOTAVAIL|NOTFOUND|AI_AGAIN|INVAL)$/.test(code)) return error
  const hint = 'Set HOST to an address of this machine, and PORT to one that this user may listen on.'
  return new StartupFailure('address_unusable', `Cannot listen on port ${port} of ${host} (${code}).`, hint)
}
