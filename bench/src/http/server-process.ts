import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { CpuTime, Framework, Ready } from './messages.js'

/** A server under test, in a process of its own. */
export class ServerProcess {
  readonly ready: Ready
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, ready: Ready) {
    this.#child = child
    this.ready = ready
  }

  static async start(framework: Framework, databaseUrl: string, tenants: number): Promise<ServerProcess> {
    const child = fork(new URL('./server.js', import.meta.url), [framework, databaseUrl, String(tenants)])
    const [ready] = (await Promise.race([once(child, 'message'), failWhenItEnds(child)])) as [Ready]
    return new ServerProcess(child, ready)
  }

  /** Returns the CPU time that the server has used so far, in microseconds. */
  async cpuTime(): Promise<number> {
    const answered = once(this.#child, 'message')
    this.#child.send('cpu')
    const [{ microseconds }] = (await answered) as [CpuTime]
    return microseconds
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, 'exit')
    this.#child.kill()
    await ended
  }
}

async function failWhenItEnds(child: ChildProcess): Promise<never> {
  await once(child, 'exit')
  throw new Error('The server exited before it was ready.')
}
