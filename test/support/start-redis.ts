import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free-port.js'
import { requireProgram } from './installed-program.js'

/** A Redis of a test's own. */
export interface RedisServer {
  readonly url: string
  /** Ends it as a crash does; what was not saved is gone. */
  kill(): Promise<void>
  /** Starts it again where it was, with what it had saved. */
  restart(): Promise<void>
  /** Stops its process in its tracks, so that it accepts connections and never answers. */
  freeze(): void
  thaw(): void
  /** Ends it and removes its data. */
  dispose(): Promise<void>
}

/**
 * Starts a real Redis on a free port of this machine, with further options of its command. Where `redis-server` is missing it is installed on Debian as root;
 * elsewhere this fails.
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
