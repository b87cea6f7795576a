import { parseArgs } from 'node:util'
import { type BenchFlags, flagOptions } from '../publish.js'

/** The command-line options of this bench. */
export interface HttpFlags extends BenchFlags {
  /** How often each route is measured. */
  readonly rounds: number
}

/** Parses `--quick`, `--json`, `--print-only` and `--rounds 5`. Throws for any other argument. */
export function httpFlags(): HttpFlags {
  const { values } = parseArgs({ options: { ...flagOptions, rounds: { type: 'string' } } })
  const { quick, json, 'print-only': printOnly } = values
  const rounds = Number(values.rounds ?? (quick ? 1 : 21))
  if (!(Number.isInteger(rounds) && rounds > 0)) throw new TypeError('--rounds takes a number from 1, as --rounds 5.')
  return { quick, json, printOnly, rounds }
}
