import type { CommandContext } from '../command-context.js'

/** The option of a command that prints one result. */
export const jsonOption = ['--json', 'print the result as JSON'] as const

/** The result of a command, as one line of JSON and as text for people. */
export interface Result {
  readonly json: object
  /** Has no line end at its end. */
  readonly text: string
}

/** Prints the result on standard output. */
export function print({ json, text }: Result, options: { readonly json?: boolean }, { stdout }: CommandContext): void {
  stdout.write(options.json === true ? `${JSON.stringify(json)}\n` : `${text}\n`)
}

/** Returns the rows as lines, with each column as wide as its widest cell. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)))
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** Returns a time as RFC 3339 in UTC, or a dash for `null`. */
export function timeText(ms: number | null): string {
  return ms === null ? '-' : new Date(ms).toISOString()
}

/** Returns a time as RFC 3339 in UTC, or `null`. */
export function timeJson(ms: number | null): string | null {
  return ms === null ? null : timeText(ms)
}

/**
 * Returns untrusted text with every control and format character escaped, so that it cannot steer a
 * terminal.
 */
export function printable(text: string): string {
  return text.replaceAll(/\p{C}/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`)
}
