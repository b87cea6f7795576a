import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { Order, Report, Sighting, VerifierSetup, Work } from './messages.js'

/** One verifier, in a process of its own, as the writer sees it. */
export class VerifierProcess {
  readonly #child: ChildProcess

  private constructor() {
    this.#child = fork(new URL('./verifier.js', import.meta.url), { serialization: 'advanced' })
  }

  static async start(setup: VerifierSetup): Promise<VerifierProcess> {
    const verifier = new VerifierProcess()
    await verifier.#ask({ kind: 'setup', setup }, 'ready')
    return verifier
  }

  /** Has it verify this token in a loop. Resolves once it accepts it. */
  async watch(token: string): Promise<void> {
    await this.#ask({ kind: 'watch', token }, 'accepting')
  }

  /** What it saw of the token that it watches, once it refuses it. To be called before the token is revoked. */
  async sighting(): Promise<Sighting> {
    return (await this.#hear('refused')).sighting
  }

  async work(): Promise<Work> {
    return (await this.#ask({ kind: 'count' }, 'counted')).work
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, 'exit')
    this.#child.send({ kind: 'stop' } satisfies Order)
    await ended
  }

  async #ask<Kind extends Report['kind']>(order: Order, kind: Kind): Promise<Extract<Report, { kind: Kind }>> {
    const heard = this.#hear(kind)
    this.#child.send(order)
    return heard
  }

  #hear<Kind extends Report['kind']>(kind: Kind): Promise<Extract<Report, { kind: Kind }>> {
    return new Promise((resolve, reject) => {
      const hear = (report: Report) => {
        if (!isOfKind(report, kind)) return
        stop()
        resolve(report)
      }
      const end = () => {
        stop()
        reject(new Error('A verifier ended before its time.'))
      }
      const stop = () => {
        this.#child.off('message', hear)
        this.#child.off('exit', end)
      }
      this.#child.on('message', hear)
      this.#child.on('exit', end)
    })
  }
}

function isOfKind<Kind extends Report['kind']>(report: Report, kind: Kind): report is Extract<Report, { kind: Kind }> {
  return report.kind === kind
}
