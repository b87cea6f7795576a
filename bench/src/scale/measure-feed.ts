import { setTimeout as sleep } from 'node:timers/promises'
import { watchMachineLoad } from '../machine-load.js'
import { quantile } from '../statistics.js'
import type { Sightings } from './feed-messages.js'
import type { FeedWriter } from './feed-writer.js'
import type { ListenerFleet } from './listener-fleet.js'

/** A distribution of times in milliseconds. */
export interface Times {
  readonly p50Ms: number
  readonly p99Ms: number
}

/** The load of the listening processes on the database, and how fast changes reach them. */
export interface FeedFigures {
  /** Cores that the database server uses while nothing changes: the proofs alone. */
  readonly serverCores: number
  /** Cores that the pooler uses meanwhile; 0 without one. */
  readonly poolerCores: number
  /** Cores that the simulated processes use meanwhile, which are on the same machine. */
  readonly clientCores: number
  /** The busy share of the machine meanwhile, 0 to 1. */
  readonly machineBusy: number
  /** The age of the data at the end of each interval of proofs, while nothing changes. */
  readonly age: Times
  /** The share of these ages that exceeds `maxStaleness`. */
  readonly late: number
  /** From the acknowledgement of a revocation to its delivery; 0 when the delivery came first. */
  readonly delivery: Times
  /** From the acknowledgement to the refusal, in those simulated processes that verify. */
  readonly refusal: Times
  /** The share of the deliveries that did not arrive within twice `maxStaleness`. */
  readonly missing: number
  readonly propagation: Times
  /**
   * The greatest rate of changes that was tried at which no simulated process had older data than
   * `maxStaleness`; 0 if there was none.
   */
  readonly changesPerSecond: number
  /** The rates that were reached, and the greatest age at each. */
  readonly rates: readonly Rate[]
}

/** A rate of changes. */
export interface Rate {
  readonly perSecond: number
  readonly maxAgeMs: number
}

/** Options of `measureFeed`. */
export interface FeedOptions {
  readonly fleet: ListenerFleet
  readonly writer: FeedWriter
  readonly maxStalenessMs: number
  /** The length of the idle period. */
  readonly idleMs: number
  readonly revocations: number
  readonly waits: number
  /** The length of each attempt at a rate of changes. */
  readonly changesMs: number
  /** Each starts to measure a server, and returns a function that returns its cores since then. */
  readonly watchServer: () => () => number
  readonly watchPooler: () => () => number
}

/** The longest time for revocations, and for waits. */
const longestMs = 12_000
/** The fewest revocations, and waits, if they take longer. */
const fewest = 5
/** Pauses are random, so that a change falls anywhere in an interval of proofs. */
const shortestPauseMs = 50
const attempts = 6

/** Measures the change feed with the simulated processes that the fleet has now. */
export async function measureFeed(options: FeedOptions): Promise<FeedFigures> {
  const idle = await measureIdle(options)
  const revocations = await measureRevocations(options)
  const propagation = await measurePropagation(options)
  const rates = await tryRates(options)
  const best = rates.find(({ maxAgeMs }) => maxAgeMs <= options.maxStalenessMs)
  return { ...idle, ...revocations, propagation, changesPerSecond: best?.perSecond ?? 0, rates }
}

type Idle = Pick<FeedFigures, 'serverCores' | 'poolerCores' | 'clientCores' | 'machineBusy' | 'age' | 'late'>

async function measureIdle({ fleet, idleMs, maxStalenessMs, ...options }: FeedOptions): Promise<Idle> {
  const period = await fleet.during(async () => {
    const machineBusy = watchMachineLoad()
    const server = options.watchServer()
    const pooler = options.watchPooler()
    await sleep(idleMs)
    return { serverCores: server(), poolerCores: pooler(), machineBusy: machineBusy() }
  })
  const late = period.agesMs.filter((age) => !(age <= maxStalenessMs)).length / period.agesMs.length
  return { ...period.result, clientCores: period.cores, age: timesOf(period.agesMs), late }
}

async function measureRevocations(
  options: FeedOptions,
): Promise<Pick<FeedFigures, 'delivery' | 'refusal' | 'missing'>> {
  const { fleet, writer, maxStalenessMs, revocations } = options
  const holders = await writer.issue(revocations)
  await fleet.hold(holders.map(({ token }) => token))
  // A late delivery of these tenants must not count as that of a revocation.
  await writer.waitForPropagation()
  const deliveryMs: number[] = []
  const refusalMs: number[] = []
  let missing = 0
  await repeat(holders.length, async (number) => {
    await pause(fleet.size)
    const holder = holders[number]
    if (holder === undefined) return
    let acknowledgedAt = 0n
    const seen = await fleet.watch(holder.token, 2 * maxStalenessMs, async () => {
      await writer.revoke(holder)
      acknowledgedAt = process.hrtime.bigint()
    })
    deliveryMs.push(...delaysOf(seen, acknowledgedAt, ({ deliveredAt }) => deliveredAt))
    refusalMs.push(...delaysOf(seen, acknowledgedAt, ({ refusedAt }) => refusedAt))
    const missed = seen.reduce((sum, sightings) => sum + sightings.missing, 0)
    missing += missed
    if (missed > 0) await writer.waitForPropagation()
  })
  const lost = Array.from({ length: missing }, () => 2 * maxStalenessMs)
  const delivery = timesOf([...deliveryMs, ...lost])
  return { delivery, refusal: timesOf(refusalMs), missing: missing / (deliveryMs.length + missing) }
}

async function measurePropagation({ fleet, writer, waits }: FeedOptions): Promise<Times> {
  const [holder] = await writer.issue(1)
  const waitsMs: number[] = []
  await repeat(waits, async () => {
    await pause(fleet.size)
    if (holder !== undefined) await writer.revoke(holder)
    const from = performance.now()
    await writer.waitForPropagation()
    waitsMs.push(performance.now() - from)
  })
  return timesOf(waitsMs)
}

/** Tries the greatest rate first, then halves it until all ages stay within `maxStaleness`. */
async function tryRates({ fleet, writer, maxStalenessMs, changesMs }: FeedOptions): Promise<readonly Rate[]> {
  const rates: Rate[] = []
  let perSecond = Number.POSITIVE_INFINITY
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    await settle(fleet, maxStalenessMs)
    const { result, maxAgeMs } = await fleet.during(() => writer.change(perSecond, changesMs))
    rates.push({ perSecond: result, maxAgeMs })
    if (maxAgeMs <= maxStalenessMs) break
    perSecond = Math.min(perSecond, result) / 2
  }
  return rates
}

/** Waits until all ages are within `maxStaleness` again, or a few seconds. */
async function settle(fleet: ListenerFleet, maxStalenessMs: number): Promise<void> {
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const { maxAgeMs } = await fleet.during(() => sleep(maxStalenessMs / 2))
    if (maxAgeMs <= maxStalenessMs) return
  }
}

/** Repeats the work, less often if it takes too long. */
async function repeat(count: number, work: (number: number) => Promise<void>): Promise<void> {
  const startedAt = performance.now()
  for (let number = 0; number < count; number += 1) {
    if (number >= fewest && performance.now() - startedAt > longestMs) return
    await work(number)
  }
}

/**
 * Pauses between two changes. With many processes the feed joins the notifications of changes that
 * follow each other within a fraction of a second; a change after the pause is a single one.
 */
async function pause(processes: number): Promise<void> {
  const longestPauseMs = processes <= 100 ? 150 : 500
  await sleep(Math.min(processes / 4, 500) + shortestPauseMs + Math.random() * longestPauseMs)
}

function delaysOf(
  seen: readonly Sightings[],
  from: bigint,
  momentsOf: (sightings: Sightings) => readonly bigint[],
): readonly number[] {
  return seen.flatMap((sightings) => momentsOf(sightings).map((at) => Math.max(0, Number(at - from) / 1e6)))
}

function timesOf(valuesMs: readonly number[]): Times {
  return { p50Ms: quantile(valuesMs, 0.5), p99Ms: quantile(valuesMs, 0.99) }
}
