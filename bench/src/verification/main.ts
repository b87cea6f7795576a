import { writeFile } from 'node:fs/promises'
import { createPopulation, type Population } from '../population.js'
import { benchFlags, publish } from '../publish.js'
import { measureInRounds, type RoundOptions } from '../rounds.js'
import { median } from '../statistics.js'
import { formatCount } from '../table.js'
import { type Contender, issuers, verifiers } from './contenders.js'
import { checkVerifier } from './fairness.js'
import { floor } from './floor.js'
import { plot } from './plot.js'
import { formatSections, type Row, type Section } from './report.js'

const flags = benchFlags()
const tenants = flags.quick ? 2_000 : 10_000
const roundOptions: RoundOptions = flags.quick ? { rounds: 3, roundMs: 150 } : { rounds: 7, roundMs: 500 }

const population = await createPopulation(tenants)
const verifying = await verifiers(population)
for (const contender of verifying) await checkVerifier(contender, population)

const contenders = [...verifying, ...floor(population)]
const sections = [
  await measureSection('Verify a token never seen before', contenders, inTurn(population.newTokens)),
  await measureSection('Verify the same tokens again', verifying, inTurn(population.tokens)),
  await measureSection('Issue a token', await issuers(population), subjectsInTurn(population)),
]
const { rounds } = roundOptions
if (!flags.quick) await writeFile(new URL('../../../../../docs/performance.svg', import.meta.url), plot(sections))
await publish({
  name: 'latest',
  flags,
  results: { tenants, rounds, sections },
  text: `${formatCount(tenants)} tenants, median of ${rounds} interleaved rounds\n\n${formatSections(sections)}`,
})

async function measureSection(
  title: string,
  contenders: readonly Contender<(input: string) => unknown>[],
  next: () => () => string,
): Promise<Section> {
  const operations = contenders.map(({ name, run }) => {
    const input = next()
    return [name, () => run(input())] as const
  })
  const timings = await measureInRounds(new Map(operations), roundOptions)
  const own = timings.get('Latchkey')?.rounds ?? []
  const rows = contenders.flatMap(({ name, revocable }): Row[] => {
    const timing = timings.get(name)
    if (timing === undefined) return []
    // Round by round, because the machine's speed drifts.
    const ratio = median(timing.rounds.map((time, round) => time / (own[round] ?? Number.NaN)))
    return [{ name, timing, ratio, revocable }]
  })
  return { title, rows }
}

/** Tokens one after another, each as a fresh string, as from a socket: one interned string again and again would flatter every cache. */
function inTurn(tokens: readonly Buffer[]): () => () => string {
  return () => {
    let place = 0
    return () => {
      place = (place + 1) % tokens.length
      return tokens[place]?.toString('latin1') ?? ''
    }
  }
}

function subjectsInTurn({ subjects }: Population): () => () => string {
  return () => {
    let place = 0
    return () => {
      place = (place + 1) % subjects.length
      return subjects[place] ?? ''
    }
  }
}
