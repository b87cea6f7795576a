import { type Configuration, readConfiguration } from '../config/configuration.js'
import type { Environment } from '../config/environment-reader.js'
import { StartupFailure } from '../startup-failure.js'

/** Settings that name data of a real server. */
const realData = ['DATABASE_URL', 'DATABASE_URL_FILE', 'LATCHKEY_DATA_DIR', 'REDIS_URL', 'REDIS_URL_FILE'] as const

/**
 * Returns the configuration of a demo: an embedded database, and a server for this machine alone.
 * It uses no other setting of the environment.
 *
 * @throws StartupFailure `command_refused` if the environment is that of a real server
 */
export function demoConfiguration(
  env: Environment,
  { folder, port }: { readonly folder: string; readonly port: number },
): Configuration {
  const found = realData.find((name) => env[name] !== undefined && env[name] !== '')
  if (found !== undefined) throw refusal(`${found} is set, so that this looks like the environment of a real server.`)
  if (env.NODE_ENV === 'production') throw refusal('NODE_ENV is production.')
  return readConfiguration({
    HOST: '127.0.0.1',
    PORT: String(port),
    LATCHKEY_DATA_DIR: folder,
    LOG_LEVEL: 'error',
    // The traffic of the demo comes from this machine, under addresses of many networks.
    TRUSTED_PROXIES: '127.0.0.1',
  })
}

function refusal(reason: string): StartupFailure {
  return new StartupFailure('command_refused', reason, 'Run the demo in an environment without settings of a server.')
}
