/** One environment variable that the server reads. */
export interface Setting<T> {
  readonly name: string
  /** What it decides, in one sentence. */
  readonly purpose: string
  /** What it accepts, to follow "must be". */
  readonly accepts: string
  /** What holds when it is absent or empty, in words. */
  readonly byDefault: string
  /** Its value must not be repeated in a message, and may be given as a file: see `fileVariableOf`. */
  readonly secret?: true
  /** Says what is wrong with a text that is not acceptable, where that can be said without repeating it. */
  readonly problemOf?: (text: string) => string | undefined
  /** It is no secret, but may be given as a file as well, because it is long. */
  readonly file?: true
  /** The typed value, or `undefined` when the text is not acceptable. */
  readonly parse: (text: string) => T | undefined
}

/** Returns whether a file may hold the value instead. */
export function mayBeFile({ secret, file }: Pick<Setting<unknown>, 'secret' | 'file'>): boolean {
  return secret === true || file === true
}

/** The variable that names a file with the value instead, as secrets are mounted into containers and services. */
export function fileVariableOf(name: string): string {
  return `${name}_FILE`
}

/** A whole number in decimal digits from `min` to `max`. */
export function parseWhole(text: string, min: number, max: number): number | undefined {
  if (!/^[0-9]{1,12}$/.test(text)) return undefined
  const value = Number(text)
  return value >= min && value <= max ? value : undefined
}

/** One of the given words. */
export function parseWord<const Word extends string>(text: string, words: readonly Word[]): Word | undefined {
  return words.find((word) => word === text)
}
