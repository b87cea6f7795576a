import { parseArgs } from 'node:util'
import { type BenchFlags, flagOptions } from '../publish.js'
import { type Framework, frameworks, isBesidePeers } from './messages.js'

/** The command-line options of this bench. */
export interface HttpFlags extends BenchFlags {
  /** The frameworks that are measured, and how often each of their routes is. */
  readonly rounds: ReadonlyMap<Framework, number>
}

/**
 * Parses `--quick`, `--json`, `--print-only`, `--rounds 5` and `--frameworks koa,hapi`. A run of
 * named frameworks only prints, because its tables would replace those of all. Throws for any other
 * argument.
 */
export function httpFlags(): HttpFlags {
  const options = { ...flagOptions, rounds: { type: 'string' }, frameworks: { type: 'string' } } as const
  const { values } = parseArgs({ options })
  const { quick, json, 'print-only': printOnly } = values
  const rounds = Number(values.rounds ?? (quick ? 1 : 21))
  if (!(Number.isInteger(rounds) && rounds > 0)) throw new TypeError('--rounds takes a number from 1, as --rounds 5.')
  if (values.frameworks !== undefined) {
    const named = values.frameworks.split(',').map(frameworkNamed)
    return { quick, json, printOnly: true, rounds: new Map(named.map((framework) => [framework, rounds])) }
  }
  // Within 45 seconds (`--quick`), or ten minutes: the others take fewer rounds.
  const measured = frameworks.filter((framework) => !quick || isBesidePeers(framework))
  const fewer = Math.max(1, Math.floor(rounds / 4))
  const all = measured.map((framework) => [framework, isBesidePeers(framework) ? rounds : fewer] as const)
  return { quick, json, printOnly, rounds: new Map(all) }
}

function frameworkNamed(name: string): Framework {
  const found = frameworks.find((framework) => framework === name)
  if (found === undefined) throw new TypeError(`--frameworks takes some of ${frameworks.join(',')}; ${name} is none.`)
  return found
}
