import type { Command } from 'commander'
import { type Configuration, readConfiguration } from '../config/configuration.js'
import { createServer, type Server } from '../server.js'
import { banner } from './banner.js'
import type { CommandContext } from './command-context.js'

/** The time that stopping may take besides the stop delay, before the process ends at once. */
export const stopTimeoutMs = 10_000

/**
 * Adds `latchkey serve`. It runs until SIGINT or SIGTERM, answers all open requests, and exits with
 * 0.
 */
export function addServe(parent: Command, context: CommandContext): void {
  parent
    .command('serve')
    .description('run the auth server')
    .action(() => serve(context))
}

async function serve(context: CommandContext): Promise<void> {
  const configuration = readConfiguration(context.env)
  const server = await createServer(configuration)
  stopOnSignal(server, context, configuration.stopDelaySec * 1000 + stopTimeoutMs)
  try {
    const url = await server.listen()
    await announce(server, { url, configuration }, context)
  } catch (error) {
    await server.close()
    throw error
  }
}

async function announce(
  { app, service }: Server,
  { url, configuration }: { url: string; configuration: Configuration },
  { stdout }: CommandContext,
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

/** Closes the server at the first SIGINT or SIGTERM, and exits. */
export function stopOnSignal(server: Pick<Server, 'close'>, context: CommandContext, maxDurationMs: number): void {
  const stop = () => {
    // A second signal, or a request that does not end: exit at once.
    for (const signal of ['SIGINT', 'SIGTERM'] as const) context.once(signal, () => context.exit(1))
    setTimeout(() => context.exit(1), maxDurationMs).unref()
    void server.close().then(() => context.exit(0))
  }
  let stopping = false
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    context.once(signal, () => {
      if (!stopping) stop()
      stopping = true
    })
  }
}
