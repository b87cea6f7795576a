import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free-port.js'
import { requireProgram } from './installed-program.js'
import { serverUser } from './postgres-binaries.js'

/** A PgBouncer in front of a PostgreSQL. */
export interface Pooler {
  /** The URL of the server through the pooler. */
  readonly url: string
  /** The process ID of the pooler. */
  readonly pid: number
  /** Stops the pooler. */
  dispose(): Promise<void>
}

/**
 * Starts a real PgBouncer, which assigns a connection for one transaction (`transaction`) or until
 * the client disconnects (`session`). Installs it on Debian as root when it is missing; otherwise
 * throws. `more` adds settings, as `name=value`.
 */
export async function startPgBouncer(
  serverUrl: string,
  mode: 'transaction' | 'session',
  more: readonly string[] = [],
): Promise<Pooler> {
  requireProgram('pgbouncer', 'pgbouncer')
  const server = new URL(serverUrl)
  const url = new URL(serverUrl)
  url.port = String(await freePort())
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-pgbouncer-'))
  const settings = [
    '[databases]',
    // Every client gets the superuser of the server, whatever user it names.
    `* = host=${server.hostname} port=${server.port} user=${server.username}`,
    '[pgbouncer]',
    `listen_addr=${url.hostname}`,
    `listen_port=${url.port}`,
    'unix_socket_dir=',
    `pool_mode=${mode}`,
    'auth_type=any',
    'ignore_startup_parameters=extra_float_digits',
    ...more,
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
  return { url: url.href, pid: child.pid ?? 0, dispose }
}

/** PgBouncer refuses to run as root, and reads its settings before it changes to another user. */
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
