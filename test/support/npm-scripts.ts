import { readFileSync } from 'node:fs'
import { callProblems } from '../deploy/support/command-facts.js'
import { walk } from '../deploy/support/page-walk.js'

/** The scripts of a package that npm commands run implicitly. */
const implied: Readonly<Record<string, string>> = { cit: 'test', start: 'start', test: 'test' }

/**
 * Returns the npm commands, flags and scripts in shell commands that npm or this repository lacks.
 */
export function npmProblems(commands: string): readonly string[] {
  const calls = walk(`set -e\n${commands}`, { programs: ['npm', 'node', 'tar'], answers: '', env: {} })
  const { scripts } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  const missing = calls
    .filter(({ program }) => program === 'npm')
    .map(({ args: [command = '', script] }) => (command === 'run' ? script : implied[command]))
    .filter((script) => script !== undefined && scripts[script] === undefined)
  return [...callProblems(calls), ...missing.map((script) => `package.json has no script ${script}`)]
}
