import { fork } from 'node:child_process'
import { once } from 'node:events'
import type { ServedLatchkey } from '../served-latchkey.js'

/** Starts `bare-server.ts` in a process of its own. */
export async function startBareServer(): Promise<Pick<ServedLatchkey, 'url' | 'stop'>> {
  const child = fork(new URL('./bare-server.js', import.meta.url))
  const ended = once(child, 'exit')
  const [port] = (await Promise.race([once(child, 'message'), ended.then(failed)])) as [number]
  return {
    url: `http://127.0.0.1:${port}`,
    stop: async () => {
      child.kill()
      await ended
    },
  }
}

function failed(): never {
  throw new Error('The bare server exited before it was ready.')
}
