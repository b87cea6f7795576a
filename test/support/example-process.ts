import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { startedUrl } from './started-url.js'

/** A running program of `examples/`. */
export interface ExampleProcess {
  readonly url: string
  stop(): Promise<void>
}

const loader = new URL('typescript-loader.mjs', import.meta.url).href

/** Starts a program of `examples/` on a free port, and waits until it prints its URL. */
export async function startExample(file: string, env: Readonly<Record<string, string>> = {}): Promise<ExampleProcess> {
  const path = fileURLToPath(new URL(`../../examples/${file}`, import.meta.url))
  const args = file.endsWith('.ts') ? ['--import', loader, path] : [path]
  const child = spawn(process.execPath, args, { env: { PATH: process.env.PATH, PORT: '0', ...env } })
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
