import type { Command } from 'commander'
import { type Configuration, readConfiguration } from '../config/configuration.js'
import { createServer, type Server } from '../server.js'
import { banner } from './banner.js'
import type { Surroundings } from './surroundings.js'

/** How long stopping may take besides the stop delay, before the process ends as it is. */
export const stopPatienceMs = 10_000

/** `latchkey serve`: runs until SIGINT or SIGTERM, answers what is under way, and exits with 0. */
export function addServe(parent: Command, surroundings: Surroundings): void {
  parent
    .command('serve')
    .description('run the auth API')
    .action(() => serve(surroundings))
}

async function serve(surroundings: Surroundings): Promise<void> {
  const configuration = readConfiguration(surroundings.env)
  const server = await createServer(configuration)
  stopOnSignal(server, surroundings, configuration.stopDelaySec * 1000 + stopPatienceMs)
  try {
    const url = await server.listen()
    await announce(server, { url, configuration }, surroundings)
  } catch (error) {
    await server.close()
    throw error
  }
}

async function announce(
  { app, service }: Server,
  { url, configuration }: { url: string; configuration: Configuration },
  { stdout }: Surroundings,
): Promise<void> {
  const { database, adminCreation } = service
  const hasAdmin = await adminCreation.hasAdmin()
  if (!configuration.production) {
    stdout.write(banner({ url, configuration, database, hasAdmin }))
    return
  }
  const { place, masterKeyPlace } = database
  app.log.info({ url, data: place, masterKey: masterKeyPlace }, 'Latchkey is up.')
  // An image and a service of systemd have no npm: docs/deploy-*.md show how each runs a command.
  if (!hasAdmin) app.log.info('There is no administrator yet: run "latchkey admin create" with the same settings.')
}

function stopOnSignal(server: Server, surroundings: Surroundings, maxDurationMs: number): void {
  const stop = () => {
    // Asked a second time, or waiting for a request that does not end: go at once.
    for (const signal of ['SIGINT', 'SIGTERM'] as const) surroundings.once(signal, () => surroundings.exit(1))
    setTimeout(() => surroundings.exit(1), maxDurationMs).unref()
    void server.close().then(() => surroundings.exit(0))
  }
  let stopping = false
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    surroundings.once(signal, () => {
      if (!stopping) stop()
      stopping = true
    })
  }
}
