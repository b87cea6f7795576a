import { setTimeout as sleep } from 'node:timers/promises'
import { nowMs } from './clock.js'
import { type Bucket, lanesOf } from './faults.js'
import type { FaultPeriod, History } from './history.js'
import { Load } from './load.js'
import { Random } from './random.js'
import { Site, type SiteOptions } from './site.js'

/** What is to be run. */
export interface ChaosOptions extends SiteOptions {
  readonly seed: number
  /** Which faults to bring about, one after another, of one bucket; given the names of those that it has, and what has been recorded by the time it goes on. */
  readonly plan: (names: readonly string[], random: Random, soFar: History) => Iterable<string>
  readonly onFault?: (name: string) => void
}

/** Quiet before the first fault. */
const calmMs = 400

/**
 * Puts up real processes on a real PostgreSQL and Redis, breaks things under load, and gives everything that was asked and answered. At the end a
 * new process, which finds what Redis still holds, and a witness that asks the database alone are asked about every token.
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
    // It is to ask Redis: by then it is connected, and the machine has got over the load.
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
    if (fault === undefined) throw new Error(`Nobody knows how to bring about "${kind}".`)
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
