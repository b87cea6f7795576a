import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free-port.js'
import { requireProgram } from './installed-program.js'

/** A Redis server of one test. */
export interface RedisServer {
  readonly url: string
  /** Kills the server, as a crash does; unsaved data is lost. */
  kill(): Promise<void>
  /** Starts the server again on the same port, with its saved data. */
  restart(): Promise<void>
  /** Suspends the process, so that it accepts connections and never answers. */
  freeze(): void
  thaw(): void
  /** Stops the server and removes its data. */
  dispose(): Promise<void>
}

/**
 * Starts a real Redis on a free port of this machine, with further options of its command. Installs
 * `redis-server` on Debian as root when it is missing; otherwise throws.
 */
export async function startRedis(...options: readonly string[]): Promise<RedisServer> {
  requireProgram('redis-server', 'redis-server')
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-redis-'))
  const port = await freePort()
  let child = await run(port, folder, options)
  const kill = async () => {
    const ended = once(child, 'close')
    child.kill('SIGCONT')
    child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await ended
  }
  return {
    url: `redis://127.0.0.1:${port}`,
    kill,
    restart: async () => {
      child = await run(port, folder, options)
    },
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    dispose: async () => {
      await kill()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function run(port: number, folder: string, options: readonly string[]): Promise<ChildProcess> {
  const own = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'no']
  const child = spawn('redis-server', [...own, ...options], { stdio: ['ignore', 'pipe', 'inherit'] })
  for await (const text of child.stdout) if (String(text).includes('Ready to accept connections')) break
  child.stdout.resume()
  return child
}
