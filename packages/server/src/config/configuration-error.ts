/** One fault of the environment. */
export interface ConfigurationProblem {
  readonly name: string
  readonly problem: string
  readonly remedy: string
}

/** The environment cannot be used; `problems` lists every fault. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError'
  readonly code = 'configuration_invalid'
  readonly problems: readonly ConfigurationProblem[]

  constructor(problems: readonly ConfigurationProblem[]) {
    super(`The configuration has ${problems.length} problem(s): ${problems.map(({ name }) => name).join(', ')}.`)
    this.problems = problems
  }
}
