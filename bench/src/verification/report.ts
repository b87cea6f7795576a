import type { Timing } from '../rounds.js'

/** One contender's figure in one kind of work. */
export interface Row {
  readonly name: string
  readonly timing: Timing
  /** This contender's time by Latchkey's of the same round, median: how many times slower it is. */
  readonly ratio: number
  readonly revocable: boolean
}

/** One kind of work, Latchkey first. */
export interface Section {
  readonly title: string
  readonly rows: readonly Row[]
}

/** The sections as tables for people. */
export function formatSections(sections: readonly Section[]): string {
  return sections.map(formatSection).join('\n\n')
}

function formatSection({ title, rows }: Section): string {
  const width = Math.max(...rows.map(({ name }) => name.length))
  const lines = rows.map(({ name, timing, ratio, revocable }) => {
    const spread = `${micros(timing.least)} to ${micros(timing.most)}`
    const note = revocable ? '' : '  (cannot revoke)'
    return `  ${name.padEnd(width)}  ${micros(timing.median).padStart(9)} µs  ${spread.padStart(20)}  ${ratio.toFixed(2).padStart(7)} ×${note}`
  })
  return [title, ...lines].join('\n')
}

function micros(nanoseconds: number): string {
  return (nanoseconds / 1000).toFixed(2)
}
