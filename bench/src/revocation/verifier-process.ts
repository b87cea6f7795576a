import { RemoteProcess } from '../remote-process.js'
import type { Order, Report, Sighting, VerifierSetup, Work } from './messages.js'

/** The writer's handle of a verifier that runs in a process of its own. */
export class VerifierProcess {
  readonly #process = new RemoteProcess<Order, Report>(new URL('./verifier.js', import.meta.url))

  private constructor() {}

  static async start(setup: VerifierSetup): Promise<VerifierProcess> {
    const verifier = new VerifierProcess()
    await verifier.#process.ask({ kind: 'setup', setup }, 'ready')
    return verifier
  }

  /** Makes the verifier verify this token in a loop. Resolves once the verifier accepts it. */
  async watch(token: string): Promise<void> {
    await this.#process.ask({ kind: 'watch', token }, 'accepting')
  }

  /** Resolves once the verifier refuses the watched token. Must be called before the revocation. */
  async sighting(): Promise<Sighting> {
    return (await this.#process.receive('refused')).sighting
  }

  async work(): Promise<Work> {
    return (await this.#process.ask({ kind: 'count' }, 'counted')).work
  }

  stop(): Promise<void> {
    return this.#process.end({ kind: 'stop' })
  }
}
