import type { Readable } from 'node:stream'
import type { CsvError } from 'csv-parse'
import type { ImportLine } from '../admin/import-users.js'

/** The format of a file of users. */
export type ImportFormat = 'jsonl' | 'csv'

/** Longer lines are refused, so that they cannot fill the memory. */
const maxLineLength = 16_384

/** Returns the lines of a file of users, with their numbers. */
export function readImport(input: Readable, format: ImportFormat): AsyncIterable<ImportLine> {
  return format === 'csv' ? readCsv(input) : readJsonLines(input)
}

async function* readJsonLines(input: Readable): AsyncGenerator<ImportLine> {
  let number = 0
  for await (const line of linesOf(input)) {
    number += 1
    if (line.trim() !== '') yield { number, value: line.length > maxLineLength ? undefined : parseJson(line) }
  }
}

/** Cuts long lines, but leaves them longer than the limit, so that they are refused. */
async function* linesOf(input: Readable): AsyncGenerator<string> {
  let rest = ''
  for await (const chunk of input.setEncoding('utf8')) {
    const lines = (rest + chunk).split('\n')
    rest = (lines.pop() ?? '').slice(0, maxLineLength + 1)
    yield* lines
  }
  yield rest
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line.replace(/^\uFEFF/, ''))
  } catch {
    return undefined
  }
}

/** Reads CSV with a first line that names the columns (RFC 4180). */
async function* readCsv(input: Readable): AsyncGenerator<ImportLine> {
  const { parse } = await import('csv-parse')
  const faulty: ImportLine[] = []
  const parser = parse({
    bom: true,
    columns: true,
    info: true,
    skip_empty_lines: true,
    skip_records_with_error: true,
    max_record_size: maxLineLength,
    on_skip: (error: CsvError | undefined) => {
      faulty.push({ number: Number(error?.lines ?? 0), value: undefined })
      return undefined
    },
  })
  input.on('error', (error) => parser.destroy(error))
  for await (const { record, info } of input.pipe(parser)) {
    yield* faulty.splice(0)
    yield { number: info.lines, value: record }
  }
  yield* faulty
}
