import { availableParallelism } from 'node:os'
import { RemoteProcess } from '../remote-process.js'
import type { Ages, ListenerSetup, Order, Report, Sightings } from './feed-messages.js'

type Host = RemoteProcess<Order, Report>

/** The processes that play all listening processes, as far as the machine has cores: 2 to 4. */
const hostCount = Math.min(4, Math.max(2, availableParallelism()))

/** The records of all simulated processes in a period. */
export interface Period {
  readonly agesMs: readonly number[]
  readonly maxAgeMs: number
  /** Cores that the hosts used. */
  readonly cores: number
}

/** Simulated listening processes, spread over a few real ones. */
export class ListenerFleet {
  readonly #setup: ListenerSetup
  readonly #hosts: readonly Host[]
  #size = 0

  constructor(setup: ListenerSetup) {
    this.#setup = setup
    const program = new URL('./listener-host.js', import.meta.url)
    this.#hosts = Array.from({ length: hostCount }, () => new RemoteProcess<Order, Report>(program))
  }

  get size(): number {
    return this.#size
  }

  /**
   * Opens simulated processes until there are so many.
   *
   * @throws Error when one of them cannot open its key source in time
   */
  async grow(size: number, patienceMs: number): Promise<void> {
    const opened = await Promise.all(
      this.#hosts.map((host, place) => {
        const count = shareOf(size, place) - shareOf(this.#size, place)
        return host.ask({ kind: 'open', setup: this.#setup, count, patienceMs }, 'opened')
      }),
    )
    this.#size = size
    const failure = opened.find((report) => report.failure !== undefined)?.failure
    if (failure !== undefined) throw new Error(failure)
  }

  /** Makes some of the simulated processes verify and cache these tokens. */
  async hold(tokens: readonly string[]): Promise<void> {
    await this.#askAll({ kind: 'hold', tokens }, 'holding')
  }

  /** Runs a change, and resolves to its sightings once all have it, or after the time. */
  async watch(token: string, patienceMs: number, change: () => Promise<void>): Promise<readonly Sightings[]> {
    await this.#askAll({ kind: 'expect', token }, 'expecting')
    await change()
    const collected = await this.#askAll({ kind: 'collect', patienceMs }, 'collected')
    return collected.map(({ sightings }) => sightings)
  }

  /** Records the ages of all simulated processes while the work runs. */
  async during<T>(work: () => Promise<T>): Promise<Period & { readonly result: T }> {
    const begun = await this.#askAll({ kind: 'begin' }, 'begun')
    const startedAt = performance.now()
    const result = await work()
    const elapsedMs = performance.now() - startedAt
    const ages: readonly Ages[] = (await this.#askAll({ kind: 'end' }, 'ended')).map((report) => report.ages)
    return {
      result,
      agesMs: ages.flatMap(({ agesMs }) => agesMs),
      maxAgeMs: Math.max(...ages.map(({ maxMs }) => maxMs)),
      cores: (sum(ages.map(({ cpuMs }) => cpuMs)) - sum(begun.map(({ cpuMs }) => cpuMs))) / elapsedMs,
    }
  }

  /** Kills the hosts. Leases stay, until they expire or their database is dropped. */
  async kill(): Promise<void> {
    await Promise.all(this.#hosts.map((host) => host.kill()))
  }

  #askAll<Kind extends Report['kind']>(order: Order, kind: Kind) {
    return Promise.all(this.#hosts.map((host) => host.ask(order, kind)))
  }
}

/** Returns how many of all simulated processes belong to the host at this place. */
function shareOf(size: number, place: number): number {
  return Math.floor((size + hostCount - 1 - place) / hostCount)
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
