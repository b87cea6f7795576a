import { setTimeout as sleep } from 'node:timers/promises'
import { nowMs } from './clock.js'
import { type Bucket, lanesOf } from './faults.js'
import type { FaultPeriod, History } from './history.js'
import { Load } from './load.js'
import { Random } from './random.js'
import { Site, type SiteOptions } from './site.js'

/** The options of a run. */
export interface ChaosOptions extends SiteOptions {
  readonly seed: number
  /**
   * Returns the faults of one group to cause, one after another. It receives the names of the
   * faults and the record so far.
   */
  readonly plan: (names: readonly string[], random: Random, soFar: History) => Iterable<string>
  readonly onFault?: (name: string) => void
}

/** The pause before the first fault. */
const calmMs = 400

/**
 * Starts real processes on a real PostgreSQL and Redis, causes faults under load, and returns the
 * record of all requests and answers. At the end every token is verified by a new process, which
 * reads what is left in Redis, and by a witness that reads only the database.
 */
export async function runChaos(options: ChaosOptions): Promise<History> {
  const site = await Site.open(options)
  const load = new Load(site, new Random(options.seed))
  const faults: FaultPeriod[] = []
  const { tokens, changes, verifications } = load
  const history: History = { maxStalenessMs: options.maxStalenessMs, tokens, changes, verifications, faults }
  const breakEverything = async () => {
    await sleep(calmMs)
    const buckets = lanesOf(site).map((bucket, at) => ({ bucket, random: new Random(options.seed + 1 + at) }))
    await Promise.all(buckets.map((breaking) => breakThings({ ...breaking, site, faults, history }, options)))
  }
  try {
    await Promise.all([load.run(), breakEverything().finally(() => load.stop())])
    const [newcomer] = site.posts
    await newcomer?.restart()
    // The process must read Redis, so it needs time to connect after the load.
    await sleep(calmMs)
    if (newcomer !== undefined) await load.verifyAll(newcomer.process)
    const witness = await site.startWitness()
    await load.verifyAll(witness)
    await witness.kill()
  } finally {
    await site.close()
  }
  return history
}

interface Breaking {
  readonly site: Site
  readonly bucket: Bucket
  readonly random: Random
  readonly faults: FaultPeriod[]
  readonly history: History
}

async function breakThings(breaking: Breaking, { plan, onFault }: ChaosOptions): Promise<void> {
  const { site, bucket, random, faults, history } = breaking
  for (const kind of plan(Object.keys(bucket.faults), random, history)) {
    const fault = bucket.faults[kind]
    if (fault === undefined) throw new Error(`There is no fault "${kind}".`)
    const post = random.of(site.posts)
    const cutOff = { everybody: site.posts, 'its post': [post], nobody: [] }[fault.cutsOff ?? 'nobody']
    const names = cutOff.map(({ name }) => name)
    const period: FaultPeriod = { kind, cutOff: names, from: nowMs(), until: Number.POSITIVE_INFINITY }
    faults.push(period)
    onFault?.(fault.cutsOff === 'everybody' ? kind : `${kind} (${post.name})`)
    await fault.bringAbout(site, post)
    period.until = nowMs() + (fault.settlingMs ?? 0)
    await sleep(bucket.calmMs)
  }
}
