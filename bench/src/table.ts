/** A table of figures, whose first column names the rows. */
export interface Table {
  readonly title: string
  readonly header: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** Returns the table as aligned text: the first column to the left, figures to the right. */
export function formatTable({ title, header, rows }: Table): string {
  const widths = header.map((name, column) => Math.max(name.length, ...rows.map((row) => row[column]?.length ?? 0)))
  const lines = [header, ...rows]
    .map((row) => row.map((text, column) => pad(text, column, widths[column] ?? 0)).join('  '))
    .map((line) => `  ${line.trimEnd()}`)
  return [title, ...lines].join('\n')
}

/** Returns the table as Markdown. */
export function markdownTable({ title, header, rows }: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.trim()).join(' | ')} |`
  const rule = line(header.map((_, column) => (column === 0 ? '---' : '---:')))
  return [`**${title}**`, '', line(header), rule, ...rows.map(line)].join('\n')
}

/** Returns a whole number with thousands separators. */
export function formatCount(count: number): string {
  return Math.round(count).toLocaleString('en')
}

/** Returns nanoseconds as microseconds. */
export function formatMicros(nanoseconds: number): string {
  return `${(nanoseconds / 1000).toFixed(2)} µs`
}

/** Returns a ratio with three or so significant digits. */
export function formatRatio(ratio: number): string {
  return `${ratio.toFixed(ratio < 10 ? 2 : ratio < 100 ? 1 : 0)} ×`
}

function pad(text: string, column: number, width: number): string {
  return column === 0 ? text.padEnd(width) : text.padStart(width)
}
