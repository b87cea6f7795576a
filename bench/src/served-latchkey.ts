import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { startedUrl } from '../../test/support/started-url.js'

const command = fileURLToPath(new URL('../../../../packages/server/bin/latchkey.js', import.meta.url))

/** A running `latchkey serve`, in a process of its own. */
export interface ServedLatchkey {
  readonly url: string
  /** Stops the server like Ctrl-C. Resolves once it has exited. */
  stop(): Promise<void>
}

/** Starts the server on a free port with these settings. Resolves once it has logged its URL. */
export async function serveLatchkey(env: Readonly<Record<string, string>>): Promise<ServedLatchkey> {
  const child = spawn(process.execPath, [command, 'serve'], { env: { PATH: process.env.PATH, PORT: '0', ...env } })
  const ended = once(child, 'close')
  const url = await startedUrl(child)
  return {
    url,
    stop: async () => {
      child.kill('SIGINT')
      await ended
    },
  }
}
