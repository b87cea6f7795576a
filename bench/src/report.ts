import { mkdir, writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import type { Timing } from './rounds.js'

/** One contender's figure in one kind of work. */
export interface Row {
  readonly name: string
  readonly timing: Timing
  /** This contender's time by Latchkey's: how many times slower it is. */
  readonly ratio: number
  readonly revocable: boolean
}

/** One kind of work, Latchkey first. */
export interface Section {
  readonly title: string
  readonly rows: readonly Row[]
}

/** What was measured, where. */
export interface Report {
  readonly date: string
  readonly node: string
  readonly cpu: string
  readonly tenants: number
  readonly rounds: number
  readonly sections: readonly Section[]
}

/** Puts the sections together with what one must know to believe them. */
export function createReport(sections: readonly Section[], tenants: number, rounds: number): Report {
  const cpu = cpus()[0]?.model.trim() ?? 'unknown'
  return { date: new Date().toISOString(), node: process.version, cpu, tenants, rounds, sections }
}

/** The report as a table for people. */
export function formatReport(report: Report): string {
  const head = `Node ${report.node}, ${report.cpu}, ${report.tenants.toLocaleString('en')} tenants, median of ${report.rounds} interleaved rounds`
  return [head, ...report.sections.map(formatSection)].join('\n\n')
}

/** Writes the report as JSON, making the folder if need be. */
export async function saveReport(report: Report, file: URL): Promise<void> {
  await mkdir(new URL('.', file), { recursive: true })
  await writeFile(file, `${JSON.stringify(report, null, 2)}\n`)
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
