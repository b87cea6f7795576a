import type { Bar } from '../bars.js'
import type { Timing } from '../rounds.js'
import { formatMicros, formatRatio, type Table } from '../table.js'

/** The figures of one contender in one kind of work. */
export interface Row {
  readonly name: string
  readonly timing: Timing
  /** The time divided by Latchkey's of the same round; median. */
  readonly ratio: number
  readonly revocable: boolean
}

/** One kind of work. The first row is Latchkey. */
export interface Section {
  readonly title: string
  readonly rows: readonly Row[]
}

/** Returns the full table of one kind of work. */
export function sectionTable({ title, rows }: Section): Table {
  return {
    title,
    header: ['', 'each', 'spread of the rounds', 'processor', 'times Latchkey’s'],
    rows: rows.map(({ name, timing, ratio, revocable }) => [
      revocable ? name : `${name} (cannot revoke)`,
      formatMicros(timing.median),
      `${(timing.least / 1000).toFixed(2)} to ${(timing.most / 1000).toFixed(2)}`,
      formatMicros(timing.cpu),
      formatRatio(ratio),
    ]),
  }
}

/** Returns each contender's time as a multiple of Latchkey's, for all kinds of work. */
export function summaryTable(sections: readonly Section[]): Table {
  const names = new Set(sections.flatMap(({ rows }) => rows.map(({ name }) => name)).filter(isContender))
  return {
    title: 'Time as a multiple of Latchkey’s',
    header: ['', ...sections.map(({ title }) => title)],
    rows: [...names].map((name) => [name, ...sections.map((section) => cell(section, name))]),
  }
}

/** Returns the targets of this bench. */
export function barsOf([unseen, seen, issued]: readonly Section[]): readonly Bar[] {
  const bar = (section: Section | undefined, name: string, wanted: number): Bar => ({
    what: `${section?.title}: ${name}`,
    wanted,
    measured: section?.rows.find((row) => row.name === name)?.ratio ?? Number.NaN,
    unit: '× Latchkey’s time',
  })
  return [
    bar(unseen, 'fast-jwt, key function', 2.5),
    bar(unseen, 'jose, imported keys', 8),
    bar(seen, 'fast-jwt, key function, cache', 5),
    bar(issued, 'fast-jwt, a signer a user', 2),
  ]
}

/** Returns whether the name is a contender's. Floors are single steps and are not compared. */
export function isContender(name: string): boolean {
  return !name.startsWith('floor')
}

function cell({ rows }: Section, name: string): string {
  const row = rows.find((one) => one.name === name)
  if (row === undefined) return ''
  return name === 'Latchkey' ? `1 (${formatMicros(row.timing.median)})` : formatRatio(row.ratio)
}
