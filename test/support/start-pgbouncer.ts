import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free-port.js'
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
  installIfMissing()
  const server = new URL(serverUrl)
  const url = new URL(serverUrl)
  url.port = String(await freePort())
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-pgbouncer-'))
  const settings = [
    '[databases]',
    `* = host=${server.hostname} port=${server.port}`,
    '[pgbouncer]',
    `listen_addr=${url.hostname}`,
    `listen_port=${url.port}`,
    'unix_socket_dir=',
    `pool_mode=${mode}`,
    'auth_type=any',
    'ignore_startup_parameters=extra_float_digits',
  ]
  // Every client is served as the server's superuser, whoever it says it is.
  settings[1] += ` user=${server.username}`
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
  const user = serverUser()
  const child = spawn('pgbouncer', user === undefined ? [file] : ['-u', 'nobody', file], {
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
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

function installIfMissing(): void {
  if (isInstalled()) return
  if (process.getuid?.() === 0) {
    try {
      execFileSync('apt-get', ['update', '-qq'], { stdio: 'ignore' })
      execFileSync('apt-get', ['install', '-qq', '-y', 'pgbouncer'], { stdio: 'ignore' })
    } catch {
      // Said below.
    }
  }
  if (!isInstalled())
    throw new Error('The tests need a real PgBouncer. Install it (Debian and Ubuntu: apt-get install pgbouncer).')
}

function isInstalled(): boolean {
  try {
    const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` }
    execFileSync('pgbouncer', ['--version'], { stdio: 'ignore', env })
    return true
  } catch {
    return false
  }
}
