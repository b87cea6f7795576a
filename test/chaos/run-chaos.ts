import { setTimeout as sleep } from 'node:timers/promises'
import { nowMs } from './clock.js'
import { faultsOf } from './faults.js'
import type { FaultPeriod, History } from './history.js'
import { Load } from './load.js'
import { Random } from './random.js'
import { Site, type SiteOptions } from './site.js'

/** What is to be run. */
export interface ChaosOptions extends SiteOptions {
  readonly seed: number
  /** Which faults to bring about, one after another; given the names of those that can be. */
  readonly plan: (names: readonly string[], random: Random) => Iterable<string>
  readonly onFault?: (name: string) => void
}

/** Quiet between two faults. */
const calmMs = 400

/**
 * Puts up real processes on a real PostgreSQL and Redis, breaks one thing after another under load, and gives everything that was asked and answered. At the end a
 * new process, which finds what Redis still holds, and a witness that asks the database alone are asked about every token.
 */
export async function runChaos(options: ChaosOptions): Promise<History> {
  const site = await Site.open(options)
  const random = new Random(options.seed)
  const load = new Load(site, new Random(options.seed + 1))
  const faults: FaultPeriod[] = []
  try {
    const running = load.run()
    await sleep(calmMs)
    const available = faultsOf(site)
    for (const name of options.plan([...available.keys()], random)) {
      options.onFault?.(name)
      const fault: FaultPeriod = { kind: name, from: nowMs(), until: Number.POSITIVE_INFINITY }
      faults.push(fault)
      await available.get(name)?.(site, random.of(site.posts))
      fault.until = nowMs()
      await sleep(calmMs)
    }
    load.stop()
    await running
    const [newcomer] = site.posts
    await newcomer?.restart()
    if (newcomer !== undefined) await load.verifyAll(newcomer.process)
    const witness = await site.startWitness()
    await load.verifyAll(witness)
    await witness.kill()
  } finally {
    await site.close()
  }
  const { tokens, changes, verifications } = load
  return { maxStalenessMs: options.maxStalenessMs, tokens, changes, verifications, faults }
}
