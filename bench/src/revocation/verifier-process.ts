import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { Order, Report, Sighting, VerifierSetup, Work } from './messages.js'

/** The writer's handle of a verifier that runs in a process of its own. */
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

  /** Makes the verifier verify this token in a loop. Resolves once the verifier accepts it. */
  async watch(token: string): Promise<void> {
    await this.#ask({ kind: 'watch', token }, 'accepting')
  }

  /** Resolves once the verifier refuses the watched token. Must be called before the revocation. */
  async sighting(): Promise<Sighting> {
    return (await this.#receive('refused')).sighting
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
    const received = this.#receive(kind)
    this.#child.send(order)
    return received
  }

  #receive<Kind extends Report['kind']>(kind: Kind): Promise<Extract<Report, { kind: Kind }>> {
    return new Promise((resolve, reject) => {
      const receive = (report: Report) => {
        if (!isOfKind(report, kind)) return
        stop()
        resolve(report)
      }
      const end = () => {
        stop()
        reject(new Error('A verifier exited before it was stopped.'))
      }
      const stop = () => {
        this.#child.off('message', receive)
        this.#child.off('exit', end)
      }
      this.#child.on('message', receive)
      this.#child.on('exit', end)
    })
  }
}

function isOfKind<Kind extends Report['kind']>(report: Report, kind: Kind): report is Extract<Report, { kind: Kind }> {
  return report.kind === kind
}
