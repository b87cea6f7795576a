import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'

/** A message that names its kind. */
interface Message {
  readonly kind: string
}

type OfKind<All extends Message, Kind> = Extract<All, { kind: Kind }>

/** A program in a process of its own, which reports once for each order. */
export class RemoteProcess<Order extends Message, Report extends Message> {
  readonly #child: ChildProcess

  /** `program` is the file of the program. */
  constructor(program: URL) {
    this.#child = fork(program, { serialization: 'advanced' })
  }

  /**
   * Sends an order. Resolves to the next report of this kind.
   *
   * @throws Error when the process exits without one
   */
  ask<Kind extends Report['kind']>(order: Order, kind: Kind): Promise<OfKind<Report, Kind>> {
    const received = this.receive(kind)
    if (this.#child.connected) this.#child.send(order)
    return received
  }

  /**
   * Resolves to the next report of this kind.
   *
   * @throws Error when the process exits without one
   */
  receive<Kind extends Report['kind']>(kind: Kind): Promise<OfKind<Report, Kind>> {
    return new Promise((resolve, reject) => {
      const receive = (report: Report) => {
        if (!isOfKind<Report, Kind>(report, kind)) return
        stop()
        resolve(report)
      }
      const fail = () => {
        stop()
        reject(new Error(`A process exited before it reported "${kind}".`))
      }
      const stop = () => {
        this.#child.off('message', receive)
        this.#child.off('exit', fail)
      }
      this.#child.on('message', receive)
      this.#child.on('exit', fail)
      if (!this.#child.connected) fail()
    })
  }

  /** Sends the last order. Resolves once the process has exited. */
  async end(order: Order): Promise<void> {
    const ended = once(this.#child, 'exit')
    this.#child.send(order)
    await ended
  }

  /** Kills the process unless it has ended. Resolves once it has. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await ended
  }
}

function isOfKind<All extends Message, Kind extends All['kind']>(
  message: All,
  kind: Kind,
): message is OfKind<All, Kind> {
  return message.kind === kind
}
