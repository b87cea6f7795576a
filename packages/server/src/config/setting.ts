/**
 * One environment variable that the server reads. `T` is the type of its value, `Default` the type
 * of what applies without it: `undefined` where the feature is then off, or where the value follows
 * from other settings.
 */
export interface Setting<T, Default extends T | undefined = T | undefined> {
  readonly name: string
  /** Says in full sentences what the setting decides. */
  readonly description: string
  /** Completes the sentence "It must be …". */
  readonly accepts: string
  /** The value that applies when the variable is absent, empty or unusable. */
  readonly default: Default
  /** The default when `NODE_ENV` is `production`, where that differs. */
  readonly productionDefault?: T
  /** Describes the default in the documentation, where a value alone would not explain it. */
  readonly defaultText?: string
  /** The unit of a number. */
  readonly unit?: Unit
  /** The smallest and the largest number that is accepted. */
  readonly bounds?: Bounds
  /** Messages must not repeat the value, and a file may hold it: see `fileVariableOf`. */
  readonly secret?: true
  /** The value is long: a file may hold it although it is not secret. */
  readonly file?: true
  /** Returns what is wrong with an unacceptable text, without repeating it. */
  readonly problemOf?: (text: string) => string | undefined
  /** Returns the typed value, or `undefined` when the text is not acceptable. */
  readonly parse: (text: string) => T | undefined
  /** Returns the text that `parse` reads as this value; `String` does where this is absent. */
  format?(value: T): string
}

export type Unit = 'seconds' | 'milliseconds'

/** Both ends are included. */
export interface Bounds {
  readonly min: number
  readonly max: number
}

/** Settings by the name of the configuration's property; a table inside a table is a group. */
export interface SettingTable {
  readonly [property: string]: Setting<unknown> | SettingTable
}

/** The values of the settings of a table, under the same property names. */
export type ValuesOf<Table> = {
  readonly [Property in keyof Table]: Table[Property] extends {
    parse(text: string): infer T
    readonly default: infer Default
  }
    ? Exclude<T, undefined> | (undefined extends Default ? undefined : never)
    : ValuesOf<Table[Property]>
}

/** Returns the setting with its exact type: the default is checked against the parser. */
export function setting<T, const Default extends T | undefined>(definition: Setting<T, Default>): Setting<T, Default> {
  return definition
}

/** The parts of a numeric setting. */
export interface NumberDefinition extends Bounds {
  readonly name: string
  readonly description: string
  readonly default: number
  readonly unit?: Unit
}

/** Returns a setting whose value is a whole number. */
export function wholeNumber({ min, max, ...definition }: NumberDefinition): Setting<number, number> {
  const unit = definition.unit === undefined ? '' : ` of ${definition.unit}`
  return {
    ...definition,
    bounds: { min, max },
    accepts: `a whole number${unit} from ${min} to ${max}`,
    parse: (text) => parseWhole(text, min, max),
  }
}

/** Returns a setting whose value is a duration in whole seconds. */
export function seconds(definition: Omit<NumberDefinition, 'unit'>): Setting<number, number> {
  return wholeNumber({ ...definition, unit: 'seconds' })
}

/** Returns a setting whose value is a duration in whole milliseconds. */
export function milliseconds(definition: Omit<NumberDefinition, 'unit'>): Setting<number, number> {
  return wholeNumber({ ...definition, unit: 'milliseconds' })
}

/** Returns a setting whose value is one of several words. */
export function oneOf<const Word extends string>(
  words: readonly Word[],
  definition: Pick<Setting<Word, Word>, 'name' | 'description' | 'default' | 'productionDefault'>,
): Setting<Word, Word> {
  return {
    ...definition,
    accepts: `one of ${words.join(', ')}`,
    parse: (text) => words.find((word) => word === text),
  }
}

/** Returns whether an entry of a table is a setting, not a group. */
export function isSetting(entry: Setting<unknown> | SettingTable): entry is Setting<unknown> {
  return typeof entry.parse === 'function'
}

/** Returns all settings of a table and its groups, in their order. */
export function flattenSettings(table: SettingTable): readonly Setting<unknown>[] {
  return Object.values(table).flatMap((entry) => (isSetting(entry) ? [entry] : flattenSettings(entry)))
}

/** Returns whether a file may hold the value instead of the variable. */
export function mayBeFile({ secret, file }: Pick<Setting<unknown>, 'secret' | 'file'>): boolean {
  return secret === true || file === true
}

/**
 * Returns the variable that names a file with the value, as containers and services mount secrets.
 */
export function fileVariableOf(name: string): string {
  return `${name}_FILE`
}

/** Parses decimal digits as a whole number from `min` to `max`. */
export function parseWhole(text: string, min: number, max: number): number | undefined {
  if (!/^[0-9]{1,12}$/.test(text)) return undefined
  const value = Number(text)
  return value >= min && value <= max ? value : undefined
}
