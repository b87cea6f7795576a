/** How long each of two kinds of work took, in milliseconds. */
export interface Timings {
  readonly one: readonly number[]
  readonly other: readonly number[]
}

/** Makes ready what is then timed. */
type Prepared = () => Promise<() => Promise<unknown>>

/** Times both kinds in turns, so that whatever else goes on strikes both alike; which one comes first changes from pair to pair. */
export async function timeInTurns(pairs: number, work: { one: Prepared; other: Prepared }): Promise<Timings> {
  const timings = { one: [] as number[], other: [] as number[] }
  for (let pair = 0; pair < pairs; pair += 1) {
    for (const kind of pair % 2 === 0 ? (['one', 'other'] as const) : (['other', 'one'] as const)) {
      const timed = await work[kind]()
      const begun = performance.now()
      await timed()
      timings[kind].push(performance.now() - begun)
    }
  }
  return timings
}

/**
 * How far a guess which kind it was, made from the time alone, is better than a coin: 0 when the times are alike, 0.5 when they are wholly apart
 * (Mann–Whitney: |U / nm − 1/2|). Ranks do not care how long an outlier took.
 */
export function distinguishability({ one, other }: Timings): number {
  let larger = 0
  for (const a of one) for (const b of other) larger += a > b ? 1 : a === b ? 0.5 : 0
  return Math.abs(larger / (one.length * other.length) - 0.5)
}

/** Standard deviations from nothing: chance alone is that far off less than once in ten thousand times. */
const suspicious = 4

const repetitions = 3

/** Whether the time tells which kind it was: every time that it is looked at, because chance is not as patient as a leak. */
export async function tellsApart(measure: () => Promise<Timings>): Promise<boolean> {
  for (let repetition = 0; repetition < repetitions; repetition += 1) {
    const timings = await measure()
    const pairs = timings.one.length
    const deviation = Math.sqrt((2 * pairs + 1) / (12 * pairs ** 2))
    if (distinguishability(timings) < suspicious * deviation) return false
  }
  return true
}
