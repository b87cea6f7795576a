import { subscribe } from 'node:diagnostics_channel'
import type { FeedMessage } from 'latchkey'
import type { ListenerSetup, Order, Report } from './feed-messages.js'
import { SimulatedProcess } from './simulated-process.js'

// A process that plays many listening processes: each has a key source, a store and connections of
// its own. It does nothing besides what the library does, and records the messages of its feeds.

/** Simulated processes that open at the same time. */
const openedAtOnce = 5
/** Simulated processes of one host that hold tokens and verify them once more after a change. */
const maxVerifying = 4

const simulated: SimulatedProcess[] = []
const bySource = new Map<object, SimulatedProcess>()

subscribe('latchkey:feed', (message) => {
  const { source, ...event } = message as FeedMessage
  const listener = bySource.get(source)
  if (event.event === 'proof') listener?.proved(event.ageMs)
  else if (event.event === 'change' && event.of === 'tenant') listener?.changed()
})

/** Opens simulated processes. Returns the first failure. */
async function open(setup: ListenerSetup, count: number, patienceMs: number): Promise<string | undefined> {
  let left = count
  let failure: string | undefined
  const giveUpAt = performance.now() + patienceMs
  const openSome = async () => {
    while (left > 0 && failure === undefined) {
      left -= 1
      const listener = new SimulatedProcess(setup)
      simulated.push(listener)
      bySource.set(listener.keys, listener)
      try {
        await listener.ready(giveUpAt)
      } catch (error) {
        failure ??= error instanceof Error ? error.message : String(error)
      }
    }
  }
  await Promise.all(Array.from({ length: openedAtOnce }, openSome))
  return failure
}

async function collect(patienceMs: number): Promise<Report> {
  const verifying = simulated.slice(0, maxVerifying)
  const timer = new Promise<void>((resolve) => void setTimeout(resolve, patienceMs))
  const all = [...simulated.map(({ delivery }) => delivery), ...verifying.map(({ refusal }) => refusal)]
  await Promise.race([Promise.all(all), timer])
  const deliveredAt = simulated.flatMap((listener) => listener.deliveredAt ?? [])
  const refusedAt = verifying.flatMap((listener) => listener.refusedAt ?? [])
  return { kind: 'collected', sightings: { deliveredAt, refusedAt, missing: simulated.length - deliveredAt.length } }
}

function endPeriod(): Report {
  const agesMs = simulated.flatMap((listener) => listener.takeAges())
  const maxMs = agesMs.reduce((most, age) => Math.max(most, age), 0)
  return { kind: 'ended', ages: { agesMs, maxMs, cpuMs: cpuMs() } }
}

async function follow(order: Order): Promise<Report> {
  switch (order.kind) {
    case 'open':
      return { kind: 'opened', failure: await open(order.setup, order.count, order.patienceMs) }
    case 'hold':
      for (const listener of simulated.slice(0, maxVerifying)) await listener.hold(order.tokens)
      return { kind: 'holding' }
    case 'expect':
      for (const [place, listener] of simulated.entries()) {
        listener.expect(place < maxVerifying ? order.token : undefined)
      }
      return { kind: 'expecting' }
    case 'collect':
      return collect(order.patienceMs)
    case 'begin':
      for (const listener of simulated) listener.beginPeriod()
      return { kind: 'begun', cpuMs: cpuMs() }
    case 'end':
      return endPeriod()
  }
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

function fail(error: unknown): void {
  console.error(error)
  process.exit(1)
}

process.on('message', (order: Order) => void follow(order).then((report) => process.send?.(report), fail))
process.on('disconnect', () => process.exit())
// Ctrl-C in a terminal reaches this process as well: the bench itself ends it.
process.on('SIGINT', () => {})
