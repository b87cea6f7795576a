import type { CommandContext } from '../command-context.js'
import { columns } from './print.js'
import { printLines } from './print-lines.js'

/** The option of a command that prints a list. */
export const jsonLinesOption = ['--json', 'print one JSON object a line'] as const

/** The two forms of a list, for people and for programs. */
export interface ListFormat<T> {
  readonly titles: readonly string[]
  readonly cells: (item: T) => readonly string[]
  readonly json: (item: T) => object
  /** The message instead of an empty table. */
  readonly whenEmpty: string
}

/**
 * Prints a list on standard output, page by page: a table, or one JSON object a line. The message
 * for an empty list goes to standard error, so that standard output holds nothing but items.
 */
export async function printList<T>(
  pages: AsyncIterable<readonly T[]>,
  format: ListFormat<T>,
  { options, context }: { readonly options: { readonly json?: boolean }; readonly context: CommandContext },
): Promise<void> {
  let count = 0
  const isJson = options.json === true
  async function* texts(): AsyncGenerator<string> {
    for await (const items of pages) {
      if (items.length === 0) continue
      const titles = count === 0 ? [format.titles] : []
      count += items.length
      yield isJson
        ? items.map((item) => `${JSON.stringify(format.json(item))}\n`).join('')
        : `${columns([...titles, ...items.map(format.cells)])}\n`
    }
  }
  await printLines(texts(), context)
  if (count === 0 && !isJson) context.stderr.write(`${format.whenEmpty}\n`)
}

/** Reads a list page by page, from its beginning. */
export async function* readPages<T>(
  read: (query: { readonly after: string; readonly limit: number }) => Promise<{
    readonly items: readonly T[]
    readonly next?: string | undefined
  }>,
): AsyncGenerator<readonly T[]> {
  let after: string | undefined = firstId
  while (after !== undefined) {
    const { items, next } = await read({ after, limit: pageSize })
    yield items
    after = next
  }
}

const pageSize = 1000
/** Sorts before every ID. */
const firstId = '00000000-0000-0000-0000-000000000000'
