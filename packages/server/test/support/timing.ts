/** The durations of two kinds of work, in milliseconds. */
export interface Timings {
  readonly one: readonly number[]
  readonly other: readonly number[]
}

/** Prepares the work that is then timed. */
type Prepared = () => Promise<() => Promise<unknown>>

/**
 * Times both kinds in turns, so that other load affects both alike. The order alternates from pair
 * to pair.
 */
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
 * Returns how much better than chance a guess of the kind from the time alone is: 0 for equal
 * times, 0.5 for times that do not overlap (Mann–Whitney: |U / nm − 1/2|). Ranks ignore the size of
 * an outlier.
 */
export function distinguishability({ one, other }: Timings): number {
  let larger = 0
  for (const a of one) for (const b of other) larger += a > b ? 1 : a === b ? 0.5 : 0
  return Math.abs(larger / (one.length * other.length) - 0.5)
}

/**
 * A deviation of this many standard deviations is significant: chance alone reaches it less than
 * once in ten thousand times.
 */
const suspicious = 4

const repetitions = 3

/**
 * Returns whether the times of the two kinds differ significantly in every repetition. Chance alone
 * does not repeat, and a leak does.
 */
export async function differSignificantly(measure: () => Promise<Timings>): Promise<boolean> {
  for (let repetition = 0; repetition < repetitions; repetition += 1) {
    const timings = await measure()
    const pairs = timings.one.length
    const deviation = Math.sqrt((2 * pairs + 1) / (12 * pairs ** 2))
    if (distinguishability(timings) < suspicious * deviation) return false
  }
  return true
}
