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

/** Where a server keeps its accounts, for as long as a test needs it. */
export interface Deployment {
  /** The environment of every process of it. */
  readonly env: Readonly<Record<string, string>>
  readonly masterKeys: string
  /** Removes everything it kept. */
  dispose(): Promise<void>
}

/** The databases that every story is told on. */
export const databases = ['sqlite', 'postgres'] as const

/** A place for a server's data: a folder, or an empty database on a real PostgreSQL. */
export async function createDeployment(
  database: (typeof databases)[number],
  env: Readonly<Record<string, string>> = {},
): Promise<Deployment> {
  const masterKeys = Keyring.generate('test')
  const common = { PORT: '0', LATCHKEY_ISSUER: 'https://auth.test', LATCHKEY_MASTER_KEYS: masterKeys, ...env }
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

/** The store behind the servers, for looking at what they left there. */
export function openStore({ env }: Pick<Deployment, 'env'>): SqlStore {
  const { DATABASE_URL: connectionString, LATCHKEY_DATA_DIR: folder = '' } = env
  if (connectionString !== undefined) return postgresStore({ connectionString })
  return sqliteStore({ open: () => new DatabaseSync(join(folder, 'latchkey.db')) })
}

/** The server, running in a process of its own. */
export interface ServerProcess {
  readonly url: string
  readonly pid: number
  /** Asks it to stop, as Ctrl-C does; resolves with its exit code. */
  stop(): Promise<number | null>
  /** Ends it without a word, as a crash does. */
  kill(): Promise<void>
}

/** Starts `latchkey serve` and waits until it says where it is. */
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
    kill: async () => {
      child.kill('SIGKILL')
      await ended
    },
  }
}

/** Runs another command of the same deployment to its end, with `input` on its standard input. */
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
