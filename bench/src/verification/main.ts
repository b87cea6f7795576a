/**
 * `npm run bench`: the time to verify and to issue, beside other libraries, with a key per user.
 */
import { writeDrawing } from '../documents.js'
import { createPopulation, type Population } from '../population.js'
import { benchFlags, publish } from '../publish.js'
import { type Contestant, measureInRounds, type Operation, type RoundOptions, ratioOf, takingTurns } from '../rounds.js'
import { type Contender, issuers, verifiers } from './contenders.js'
import { checkVerifier } from './fairness.js'
import { floor } from './floor.js'
import { plot } from './plot.js'
import { barsOf, type Row, type Section, sectionTable, summaryTable } from './report.js'

type Run = Operation<string>

const flags = benchFlags()
const tenants = flags.quick ? 2_000 : 10_000
const roundOptions: RoundOptions = flags.quick ? { rounds: 3, roundMs: 100 } : { rounds: 9, roundMs: 400 }

const population = await createPopulation(tenants)
const verifying = await verifiers(population)
for (const contender of verifying) await checkVerifier(contender, population)
const sections = [
  await measure('Verify a token never seen before', [...verifying, ...floor(population)], unseen(population)),
  await measure('Verify a token seen before', verifying, seen(population)),
  await measure('Issue a token', await issuers(population), subjectsInTurn(population)),
]
await population.latchkey.close()
if (!flags.quick && !flags.printOnly) await writeDrawing('benchmarks.svg', plot(sections))
await publish({
  name: 'latest',
  flags,
  results: { tenants, tokenCharacters: population.tokens[0]?.length, rounds: roundOptions.rounds, sections },
  tables: sections.map(sectionTable),
  bars: barsOf(sections),
  summary: [summaryTable(sections)],
})

async function measure(
  title: string,
  contenders: readonly Contender<Run>[],
  contestantOf: (contender: Contender<Run>) => Contestant<string>,
): Promise<Section> {
  const contestants = contenders.map((contender) => [contender.name, contestantOf(contender)] as const)
  const timings = await measureInRounds(new Map(contestants), roundOptions)
  const own = timings.get('Latchkey')
  const rows = contenders.flatMap(({ name, revocable }): Row[] => {
    const timing = timings.get(name)
    return timing === undefined || own === undefined ? [] : [{ name, timing, ratio: ratioOf(timing, own), revocable }]
  })
  return { title, rows }
}

/** Each round starts with an empty memory and uses no token twice. */
function unseen({ newTokens }: Population): (contender: Contender<Run>) => Contestant<string> {
  return ({ create }) => ({ prepare: create, inputs: takingTurns(newTokens, asFromSocket, { endlessly: false }) })
}

/** Each round starts with the token of every tenant in memory. */
function seen({ tokens }: Population): (contender: Contender<Run>) => Contestant<string> {
  return ({ create, remembers }) => ({
    prepare: async () => {
      const run = create()
      if (remembers) for (const token of tokens) await run(asFromSocket(token))
      return run
    },
    inputs: takingTurns(tokens, asFromSocket, { endlessly: true }),
  })
}

function subjectsInTurn({ subjects }: Population): (contender: Contender<Run>) => Contestant<string> {
  return ({ create }) => ({ prepare: create, inputs: takingTurns(subjects, (subject) => subject, { endlessly: true }) })
}

/** Returns a new string each time. V8 hashes a repeated string once, which favours every cache. */
function asFromSocket(token: Buffer): string {
  return token.toString('latin1')
}
