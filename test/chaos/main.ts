/**
 * `npm run chaos`: injects faults for the given time, then prints the numbers of verifications and
 * violations.
 */
import { parseArgs } from 'node:util'
import { nowMs } from './clock.js'
import type { Plant } from './messages.js'
import type { Random } from './random.js'
import { runChaos } from './run-chaos.js'
import { Tally } from './tally.js'

/**
 * There is one site and one history at a time. The history is checked and discarded, so that a run
 * may last for days.
 */
const longestRoundMs = 180_000

const { values: flags } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    processes: { type: 'string', default: '8' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    'max-staleness': { type: 'string', default: '1000' },
    'without-redis': { type: 'boolean', default: false },
    plant: { type: 'string' },
  },
})
const firstSeed = wholeNumber('seed', flags.seed)
const endsAt = nowMs() + wholeNumber('minutes', flags.minutes) * 60_000
const tally = new Tally()

for (let seed = firstSeed; nowMs() < endsAt && tally.violations.length === 0; seed += 1) {
  console.log(`seed ${seed}`)
  const roundEndsAt = Math.min(endsAt, nowMs() + longestRoundMs)
  const processes = wholeNumber('processes', flags.processes)
  const history = await runChaos({
    processes,
    withRedis: !flags['without-redis'],
    maxStalenessMs: wholeNumber('max-staleness', flags['max-staleness']),
    plants: new Array(processes).fill(flags.plant as Plant | undefined),
    seed,
    plan: (names, random) => allUntil(roundEndsAt, names, random),
    onFault: (name) => console.log(`${String(Math.round((endsAt - nowMs()) / 1000)).padStart(6)} s left  ${name}`),
  })
  tally.add(history)
}
console.log(`\n${tally}`)
if (tally.violations.length > 0) process.exitCode = 1

/** Yields all faults once, in a new order each time, until the time is up. */
function* allUntil(timeIsUp: number, names: readonly string[], random: Random): Iterable<string> {
  for (;;) {
    for (const name of random.shuffled(names)) {
      if (nowMs() >= timeIsUp) return
      yield name
    }
  }
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text)
  if (!(Number.isSafeInteger(value) && value > 0)) throw new TypeError(`--${name} is a whole number from 1.`)
  return value
}
