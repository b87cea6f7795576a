import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DatabaseSync } from '@photostructure/sqlite'
import { Keyring } from 'latchkey'
import { postgresStore } from 'latchkey/postgres'
import type { SqlStore } from 'latchkey/sql'
import { sqliteStore } from 'latchkey/sqlite'
import { startedUrl } from './started-url.js'
import { createTestDatabase } from './test-database.js'

const latchkeyCommand = fileURLToPath(new URL('../../packages/server/bin/latchkey.js', import.meta.url))

/** The data and settings of servers, for as long as a test needs them. */
export interface Deployment {
  /** The environment of every process of the deployment. */
  readonly env: Readonly<Record<string, string>>
  readonly masterKeys: string
  /** Removes all data. */
  dispose(): Promise<void>
}

/** Every test of a database runs on both. */
export const databases = ['sqlite', 'postgres'] as const

/** Creates a place for the data of servers: a folder, or an empty database on a real PostgreSQL. */
export async function createDeployment(
  database: (typeof databases)[number],
  env: Readonly<Record<string, string>> = {},
): Promise<Deployment> {
  const masterKeys = Keyring.generate('test')
  const common = {
    PORT: '0',
    LATCHKEY_ISSUER: 'https://auth.test',
    LATCHKEY_MASTER_KEYS: masterKeys,
    // Administrators of most tests have no second factor.
    LATCHKEY_ADMIN_SECOND_FACTOR: 'allow-without',
    ...env,
  }
  if (database === 'postgres') {
    const { url, drop } = await createTestDatabase()
    return { env: { ...common, DATABASE_URL: url }, masterKeys, dispose: drop }
  }
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-test-'))
  return {
    env: { ...common, LATCHKEY_DATA_DIR: join(folder, 'data') },
    masterKeys,
    dispose: async () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** Opens the store of the servers, so that a test can read their data. */
export function openStore({ env }: Pick<Deployment, 'env'>): SqlStore {
  const { DATABASE_URL: connectionString, LATCHKEY_DATA_DIR: folder = '' } = env
  if (connectionString !== undefined) return postgresStore({ connectionString })
  return sqliteStore({ open: () => new DatabaseSync(join(folder, 'latchkey.db')) })
}

/** A server in a separate process. */
export interface ServerProcess {
  readonly url: string
  readonly pid: number
  /** Stops the server as Ctrl-C does; resolves with its exit code. */
  stop(): Promise<number | null>
  /** Suspends the server with SIGSTOP: it keeps its memory and its connections, and does nothing. */
  pause(): void
  /** Continues a suspended server. */
  resume(): void
  /** Kills the server, also a suspended one, as a crash does. */
  kill(): Promise<void>
}

/** Starts `latchkey serve` and waits until it prints its URL. */
export async function startServer({ env }: Pick<Deployment, 'env'>): Promise<ServerProcess> {
  const child = spawn(process.execPath, [latchkeyCommand, 'serve'], { env: { PATH: process.env.PATH, ...env } })
  const ended = once(child, 'close').then(([code]) => code as number | null)
  const url = await startedUrl(child)
  return {
    url,
    pid: child.pid ?? 0,
    stop: () => {
      child.kill('SIGINT')
      return ended
    },
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    kill: async () => {
      child.kill('SIGKILL')
      await ended
    },
  }
}

/** Runs a command of the deployment to its end, with `input` on standard input. */
export async function runCommand(
  { env }: Pick<Deployment, 'env'>,
  args: readonly string[],
  input = '',
): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [latchkeyCommand, ...args], { env: { PATH: process.env.PATH, ...env } })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += String(text)))
  child.stdin.end(input)
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, output }
}
