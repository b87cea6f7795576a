import { randomBytes } from 'node:crypto'
import type { Command } from 'commander'
import type { Configuration } from '../config/configuration.js'
import { demoConfiguration } from '../demo/demo-configuration.js'
import { DemoFolder, type DemoState } from '../demo/demo-folder.js'
import { DemoTraffic } from '../demo/demo-traffic.js'
import { PastClock } from '../demo/past-clock.js'
import { seedDemo } from '../demo/seed-demo.js'
import { quantity } from '../quantity.js'
import { createServer } from '../server.js'
import { openService } from '../service.js'
import type { CommandContext } from './command-context.js'
import { stopOnSignal, stopTimeoutMs } from './serve.js'
import { wholeFrom } from './terminal/parse-option.js'

interface DemoOptions {
  readonly folder: string
  readonly port: number
  readonly users: number
  readonly fresh?: boolean
}

/** The age of the oldest secret. */
const historyMs = 200 * 86_400_000

/** Adds `latchkey demo`. It runs until SIGINT or SIGTERM, and exits with 0. */
export function addDemo(parent: Command, context: CommandContext): void {
  parent
    .command('demo')
    .description(
      'run a server for this machine alone, with invented users, their history and light traffic, to try the console; it reads no setting, and refuses to run beside settings of a real server',
    )
    .option('--folder <path>', 'folder of its database; an earlier demo in it is continued', '.latchkey-demo')
    .option('--fresh', 'delete an earlier demo in the folder, and begin again')
    .option('--port <port>', 'TCP port', wholeFrom(1, 65_535), 3000)
    .option('--users <count>', 'number of invented users', wholeFrom(10, 100_000), 2000)
    .action((options: DemoOptions) => demo(options, context))
}

async function demo({ folder: path, port, users, fresh = false }: DemoOptions, context: CommandContext): Promise<void> {
  // Read before the folder is touched: it refuses the environment of a real server.
  const configuration = demoConfiguration(context.env, { folder: path, port })
  const folder = DemoFolder.open(path, fresh)
  const state = folder.state() ?? (await fill(folder, { configuration, users }, context))
  const server = await createServer(configuration)
  let traffic: DemoTraffic | undefined
  const close = async () => {
    await traffic?.stop()
    await server.close()
  }
  stopOnSignal({ close }, context, stopTimeoutMs)
  try {
    const url = await server.listen()
    traffic = new DemoTraffic(url, server.service, state)
    traffic.start()
  } catch (error) {
    await close()
    throw error
  }
  context.stdout.write(welcome(configuration, state, folder.path))
}

async function fill(
  folder: DemoFolder,
  { configuration, users }: { readonly configuration: Configuration; readonly users: number },
  { stderr }: CommandContext,
): Promise<DemoState> {
  stderr.write(`Inventing ${quantity(users, 'users')} and their history…\n`)
  const nowMs = Date.now()
  const access = {
    adminEmail: 'admin@example.com',
    adminPassword: randomBytes(12).toString('base64url'),
    userPassword: randomBytes(16).toString('base64url'),
  }
  const clock = new PastClock(nowMs - historyMs)
  const service = await openService(configuration, { clock })
  try {
    const state = { ...access, ...(await seedDemo(service, clock, { ...access, users, nowMs })) }
    folder.save(state)
    return state
  } finally {
    await service.close()
  }
}

function welcome({ issuer }: Configuration, { adminEmail, adminPassword }: DemoState, folder: string): string {
  return [
    '',
    '  The demo is up, with invented users and light traffic.',
    '',
    `  console    ${issuer}/console`,
    `  sign in    ${adminEmail}`,
    `  password   ${adminPassword}`,
    `  data       ${folder} (delete it, or use --fresh, to begin again)`,
    '',
    '  Ctrl-C stops it.',
    '',
    '',
  ].join('\n')
}
