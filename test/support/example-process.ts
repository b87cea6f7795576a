import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { startedUrl } from './started-url.js'

/** A running program of `examples/`. */
export interface ExampleProcess {
  readonly url: string
  stop(): Promise<void>
}

/** Starts a program of `examples/` on a free port, and waits until it prints its URL. */
export async function startExample(file: string, env: Readonly<Record<string, string>> = {}): Promise<ExampleProcess> {
  const path = fileURLToPath(new URL(`../../examples/${file}`, import.meta.url))
  const child = spawn(process.execPath, [path], { env: { PATH: process.env.PATH, PORT: '0', ...env } })
  const ended = once(child, 'close')
  const url = await startedUrl(child)
  return {
    url,
    stop: async () => {
      child.kill('SIGTERM')
      await ended
    },
  }
}
