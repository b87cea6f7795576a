import { parseArgs } from 'node:util'
import { type BenchFlags, flagOptions } from '../publish.js'

/** The command-line options of this bench. */
export interface ScaleFlags extends BenchFlags {
  /** Measures the change feed alone, with these numbers of listening processes. */
  readonly processes: readonly number[] | undefined
  /** Measures the reports for the live view alone, of so many server processes. */
  readonly reports: number | undefined
}

const usage = '--processes and --reports take numbers from 1 in ascending order, such as --processes 8,100'

/**
 * Parses `--quick`, `--json`, `--processes 8,100` and `--reports 1000`. Throws for any other
 * argument.
 */
export function scaleFlags(): ScaleFlags {
  const { values } = parseArgs({
    options: { ...flagOptions, processes: { type: 'string' }, reports: { type: 'string' } },
  })
  const { processes, reports, quick, json, 'print-only': printOnly } = values
  return {
    quick,
    json,
    printOnly,
    processes: processes === undefined ? undefined : parseCounts(processes),
    reports: reports === undefined ? undefined : parseCounts(reports)[0],
  }
}

function parseCounts(text: string): readonly number[] {
  const counts = text.split(',').map(Number)
  const isValid = counts.every((count, place) => Number.isInteger(count) && count > (counts[place - 1] ?? 0))
  if (!isValid) throw new TypeError(usage)
  return counts
}
