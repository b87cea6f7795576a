import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free-port.js'
import { requireProgram } from './installed-program.js'
import { serverUser } from './postgres-binaries.js'

/** A PgBouncer of a test's own, before a PostgreSQL. */
export interface Pooler {
  /** The server's URL with the pooler in between. */
  readonly url: string
  /** Ends it. */
  dispose(): Promise<void>
}

/**
 * Starts a real PgBouncer, which lends its connections for one transaction at a time (`transaction`) or for as long as a client stays (`session`).
 * Where it is missing it is installed on Debian as root; elsewhere this fails.
 */
export async function startPgBouncer(serverUrl: string, mode: 'transaction' | 'session'): Promise<Pooler> {
  requireProgram('pgbouncer', 'pgbouncer')
  const server = new URL(serverUrl)
  const url = new URL(serverUrl)
  url.port = String(await freePort())
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-pgbouncer-'))
  const settings = [
    '[databases]',
    // Every client is served as the server's superuser, whoever it says it is.
    `* = host=${server.hostname} port=${server.port} user=${server.username}`,
    '[pgbouncer]',
    `listen_addr=${url.hostname}`,
    `listen_port=${url.port}`,
    'unix_socket_dir=',
    `pool_mode=${mode}`,
    'auth_type=any',
    'ignore_startup_parameters=extra_float_digits',
  ]
  const file = join(folder, 'pgbouncer.ini')
  writeFileSync(file, `${settings.join('\n')}\n`)
  const child = await run(file)
  const dispose = async () => {
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await ended
    rmSync(folder, { recursive: true, force: true })
  }
  return { url: url.href, dispose }
}

/** It refuses to run as root, and reads its settings before it changes to another user. */
async function run(file: string): Promise<ChildProcess> {
  const args = serverUser() === undefined ? [file] : ['-u', 'nobody', file]
  const child = spawn('pgbouncer', args, { stdio: ['ignore', 'ignore', 'pipe'] })
  let log = ''
  for await (const text of child.stderr) {
    log += String(text)
    if (log.includes('process up')) {
      child.stderr.resume()
      return child
    }
  }
  throw new Error(`PgBouncer does not start:\n${log}`)
}
