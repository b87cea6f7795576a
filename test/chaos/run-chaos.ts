import { setTimeout as sleep } from 'node:timers/promises'
import { nowMs } from './clock.js'
import { type FaultGroup, faultGroupsOf } from './faults.js'
import type { FaultPeriod, History } from './history.js'
import { Load } from './load.js'
import { Random } from './random.js'
import { Site, type SiteOptions } from './site.js'

/** The options of a run. */
export interface ChaosOptions extends SiteOptions {
  readonly seed: number
  /** The posts that issue tokens and make changes, where not all of them do. */
  readonly writers?: readonly string[]
  /**
   * Returns the faults of one group to cause, one after another. It receives the names of the
   * faults and the record so far.
   */
  readonly plan: (names: readonly string[], random: Random, soFar: History) => Iterable<PlannedFault>
  readonly onFault?: (name: string) => void
}

/** The name of a fault, and the post that it affects; without one, a post is chosen. */
export type PlannedFault = string | readonly [kind: string, post: string]

/** The pause before the first fault. */
const calmMs = 400

/**
 * Starts real processes on a real PostgreSQL and Redis, causes faults under load, and returns the
 * record of all requests and answers. At the end every token is verified by a new process, which
 * reads what is left in Redis, and by a witness that reads only the database.
 */
export async function runChaos(options: ChaosOptions): Promise<History> {
  const site = await Site.open(options)
  const writers = site.posts.filter(({ name }) => options.writers?.includes(name) ?? true)
  const load = new Load(site, new Random(options.seed), writers)
  const faults: FaultPeriod[] = []
  const { tokens, changes, verifications } = load
  const { failovers } = site
  const history: History = { maxStalenessMs: options.maxStalenessMs, tokens, changes, verifications, faults, failovers }
  const injectAllFaults = async () => {
    await sleep(calmMs)
    const groups = faultGroupsOf(site).map((group, at) => ({ group, random: new Random(options.seed + 1 + at) }))
    await Promise.all(groups.map((injection) => injectFaults({ ...injection, site, faults, history }, options)))
  }
  try {
    await Promise.all([load.run(), injectAllFaults().finally(() => load.stop())])
    const fresh = site.posts.at(-1)
    await fresh?.restart()
    // The process must read Redis, so it needs time to connect after the load.
    await sleep(calmMs)
    if (fresh !== undefined) await load.verifyAll(fresh.process)
    const witness = await site.startWitness()
    await load.verifyAll(witness)
    await witness.kill()
  } finally {
    await site.close()
  }
  return history
}

interface Injection {
  readonly site: Site
  readonly group: FaultGroup
  readonly random: Random
  readonly faults: FaultPeriod[]
  readonly history: History
}

async function injectFaults(injection: Injection, { plan, onFault }: ChaosOptions): Promise<void> {
  const { site, group, random, faults, history } = injection
  for (const planned of plan(Object.keys(group.faults), random, history)) {
    const [kind, name] = typeof planned === 'string' ? [planned] : planned
    const fault = group.faults[kind]
    const post = name === undefined ? random.of(site.posts) : site.posts.find((each) => each.name === name)
    if (fault === undefined || post === undefined) throw new Error(`There is no fault "${planned}".`)
    const cutOff = { 'every post': site.posts, 'its post': [post], none: [] }[fault.cutsOff ?? 'none']
    const names = cutOff.map(({ name }) => name)
    const period: FaultPeriod = { kind, cutOff: names, from: nowMs(), until: Number.POSITIVE_INFINITY }
    faults.push(period)
    onFault?.(fault.cutsOff === 'every post' ? kind : `${kind} (${post.name})`)
    await fault.inject(site, post)
    period.until = nowMs() + (fault.settlingMs ?? 0)
    await sleep(group.calmMs)
  }
}
