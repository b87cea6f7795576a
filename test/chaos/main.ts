/** `npm run chaos`: breaks things for as long as it is told to, then says what became of every promise. */
import { parseArgs } from 'node:util'
import { check, lastAccepts } from './checker.js'
import { nowMs } from './clock.js'
import type { History } from './history.js'
import type { Plant } from './messages.js'
import type { Random } from './random.js'
import { runChaos } from './run-chaos.js'

const { values: flags } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    processes: { type: 'string', default: '6' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    'max-staleness': { type: 'string', default: '1000' },
    'without-redis': { type: 'boolean', default: false },
    plant: { type: 'string' },
  },
})
const seed = wholeNumber('seed', flags.seed)
const endsAt = nowMs() + wholeNumber('minutes', flags.minutes) * 60_000

const history = await runChaos({
  processes: wholeNumber('processes', flags.processes),
  withRedis: !flags['without-redis'],
  maxStalenessMs: wholeNumber('max-staleness', flags['max-staleness']),
  plant: flags.plant as Plant | undefined,
  seed,
  plan: untilTheEnd,
  onFault: (name) => console.log(`${String(Math.round((endsAt - nowMs()) / 1000)).padStart(5)} s left  ${name}`),
})
console.log(summary(history))
if (check(history).length > 0) process.exitCode = 1

/** All faults once, in another order each time, until the time is up. */
function* untilTheEnd(names: readonly string[], random: Random): Iterable<string> {
  for (;;) {
    for (const name of random.shuffled(names)) {
      if (nowMs() >= endsAt) return
      yield name
    }
  }
}

function summary(history: History): string {
  const { changes, verifications, faults, tokens } = history
  const late = lastAccepts(history).toSorted((a, b) => a - b)
  const at = (share: number) =>
    `${(late[Math.min(late.length - 1, Math.floor(share * late.length))] ?? 0).toFixed(1)} ms`
  const violations = check(history)
  const rows: readonly (readonly [string, string | number])[] = [
    ['seed', seed],
    ['faults', faults.length],
    ['tokens issued', tokens.length],
    ['changes acknowledged', changes.filter(({ acknowledgedAt }) => acknowledgedAt !== undefined).length],
    ['changes of unknown outcome', changes.filter(({ acknowledgedAt }) => acknowledgedAt === undefined).length],
    ['verifications', verifications.length],
    ...[...countsOf(verifications.map(({ outcome }) => outcome))].map(([name, count]) => [`  ${name}`, count] as const),
    ['last accept after an acknowledgement, median', at(0.5)],
    ['  99th percentile', at(0.99)],
    ['  latest', at(1)],
    ['promises broken', violations.length],
    ...[...countsOf(violations.map(({ promise }) => promise))].map(([name, count]) => [`  ${name}`, count] as const),
  ]
  const table = rows.map(([name, value]) => `${name.padEnd(48)}${String(value).padStart(12)}`)
  const first = violations[0] === undefined ? [] : [`The first: ${JSON.stringify(violations[0], withoutToken)}`]
  return ['', ...table, ...first].join('\n')
}

function countsOf(names: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return new Map([...counts].toSorted(([a], [b]) => a.localeCompare(b)))
}

function withoutToken(key: string, value: unknown): unknown {
  return key === 'token' && typeof value === 'string' ? undefined : value
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text)
  if (!(Number.isSafeInteger(value) && value > 0)) throw new TypeError(`--${name} is a whole number from 1.`)
  return value
}
