import type { CommandContext } from '../command-context.js'

/** The option of a command whose result programs may want to read. */
export const jsonOption = ['--json', 'print the result as JSON'] as const

/** What a command has found or done, as one line of JSON or as text for people. */
export interface Result {
  readonly json: object
  /** Without the last line's end. */
  readonly text: string
}

/** Prints the result on standard output. */
export function print({ json, text }: Result, options: { readonly json?: boolean }, { stdout }: CommandContext): void {
  stdout.write(options.json === true ? `${JSON.stringify(json)}\n` : `${text}\n`)
}

/** Lines of columns, each as wide as its widest cell. */
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

/** A moment as commands print it: RFC 3339, UTC; a dash for none. */
export function timeText(ms: number | null): string {
  return ms === null ? '-' : new Date(ms).toISOString()
}
