import { ConfigurationError, type ConfigurationProblem } from './configuration-error.js'
import { fileVariableOf, isSetting, mayBeFile, type Setting, type SettingTable, type ValuesOf } from './setting.js'
import { type Live, readSettingText, SettingFiles } from './setting-files.js'

/** The variables of a process. */
export type Environment = Readonly<Record<string, string | undefined>>

/** The places that a value comes from. `file`: the variable with `_FILE` names it. */
export const settingSources = ['environment', 'file', 'default'] as const

/** The place that the value of a setting comes from. */
export type SettingSource = (typeof settingSources)[number]

/** Reads settings from the environment, and collects every fault before it throws. */
export class EnvironmentReader {
  /** The files that values are read from again. */
  readonly files = new SettingFiles()
  readonly #env: Environment
  readonly #problems: ConfigurationProblem[] = []

  constructor(env: Environment) {
    this.#env = env
  }

  /** `NODE_ENV` is `production`. */
  get production(): boolean {
    return this.#env.NODE_ENV === 'production'
  }

  /** Returns the values of all settings of a table; see `read`. */
  readAll<Table extends SettingTable>(table: Table): ValuesOf<Table> {
    const values = Object.entries(table).map(([property, entry]) => [
      property,
      isSetting(entry) ? this.read(entry) : this.readAll(entry),
    ])
    return Object.fromEntries(values) as ValuesOf<Table>
  }

  /**
   * Returns the value of a setting, or its default when it is absent or wrong; records the latter.
   */
  read<T, Default extends T | undefined>(setting: Setting<T, Default>): T | Default {
    return this.#given(setting) ?? (this.production ? setting.productionDefault : undefined) ?? setting.default
  }

  /**
   * Returns the value of a setting that was read, or a function that reads it again where a file
   * holds it.
   */
  liveOf<T>(setting: Setting<T>, value: T | undefined): Live<T> | undefined {
    const path = this.fileOf(setting)
    if (value === undefined || path === undefined) return value
    const { name, parse } = setting
    return this.files.open({ name, path, parse }, value)
  }

  /** Returns whether the environment has the setting, as a variable or as a file. */
  isGiven(setting: Setting<unknown>): boolean {
    return this.#variable(setting.name) !== undefined || this.fileOf(setting) !== undefined
  }

  /** Returns the path of the file that holds the value of a setting, if one does. */
  fileOf(setting: Setting<unknown>): string | undefined {
    return mayBeFile(setting) ? this.#variable(fileVariableOf(setting.name)) : undefined
  }

  /** Returns the place that the value of a setting comes from. */
  sourceOf(setting: Setting<unknown>): SettingSource {
    if (this.fileOf(setting) !== undefined) return 'file'
    return this.#variable(setting.name) === undefined ? 'default' : 'environment'
  }

  /** Returns the given text of a setting, or that of its default; `undefined` if it has none. */
  textInEffect(setting: Setting<unknown>): string | undefined {
    const given = this.#textOf(setting)
    if (given !== undefined) return given
    const value = (this.production ? setting.productionDefault : undefined) ?? setting.default
    return value === undefined ? undefined : (setting.format?.(value) ?? String(value))
  }

  /** Records a fault that a value alone does not show. */
  addProblem(problem: ConfigurationProblem): void {
    this.#problems.push(problem)
  }

  /** Throws a ConfigurationError if a fault was recorded. */
  finish(): void {
    if (this.#problems.length > 0) throw new ConfigurationError(this.#problems)
  }

  #given<T>(setting: Setting<T>): T | undefined {
    const { name, accepts, problemOf, parse } = setting
    const text = this.#textOf(setting)
    if (text === undefined) return undefined
    const value = text.includes('\0') ? undefined : parse(text)
    if (value === undefined) {
      const general = mayBeFile(setting) ? 'its value cannot be used' : `${JSON.stringify(text)} cannot be used`
      const problem = problemOf?.(text) ?? general
      this.addProblem({ name, problem, remedy: `It must be ${accepts}.` })
    }
    return value
  }

  #textOf(setting: Setting<unknown>): string | undefined {
    const text = this.#variable(setting.name)
    const path = this.fileOf(setting)
    if (path === undefined) return text
    const name = fileVariableOf(setting.name)
    if (text !== undefined) {
      this.addProblem({ name, problem: `${setting.name} is set as well`, remedy: 'Set only one of the two.' })
      return undefined
    }
    const content = readSettingText(path)
    if (typeof content === 'string') return content
    this.addProblem({
      name,
      problem: content.problem,
      remedy: `It must be the path of a file that contains ${setting.accepts}.`,
    })
    return undefined
  }

  /** An empty variable counts as an absent one. */
  #variable(name: string): string | undefined {
    const text = this.#env[name]
    return text === '' ? undefined : text
  }
}
