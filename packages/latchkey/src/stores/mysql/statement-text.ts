/** What `mysql2` executes: the text with `?` for each of the values. */
export interface BoundStatement {
  readonly sql: string
  readonly values: readonly unknown[]
}

/** A placeholder `$1`, `$2`, … at the end of a piece of the text. */
interface Placeholder {
  readonly number: number
  /** Whether the value is the one of `limit`. */
  readonly isLimit: boolean
}

/** A piece of a statement: text without placeholders, and the placeholder after it. */
interface Piece {
  readonly text: string
  readonly placeholder: Placeholder | undefined
}

/**
 * Quoted texts and names, comments, and names with `$` in them, none of which contains a
 * placeholder; then a placeholder, and the end of a statement.
 */
const tokens =
  /'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|`(?:[^`]|``)*`|\/\*.*?\*\/|--(?=\s)[^\n]*|#[^\n]*|[\p{L}_@][\p{L}\p{N}_$]*|\$(\d+)|;/gsu

/** The statements of the library are constants; a caller's may not be. */
const maxKnown = 512

const known = new Map<string, readonly Piece[]>()

/**
 * Returns the statement with `?` in place of `$1`, `$2`, …, and the values in the order of their
 * places. A list becomes as many places as it has values; it is filled up to a power of two, so
 * that few texts are prepared.
 *
 * The value of `limit` is written into the text: `mysql2` sends every number as a double, which
 * MySQL does not accept there.
 *
 * @throws TypeError if there is no value for a placeholder
 */
export function bindStatement(text: string, values: readonly unknown[]): BoundStatement {
  let sql = ''
  const bound: unknown[] = []
  for (const { text: before, placeholder } of piecesOf(text)) {
    sql += before
    if (placeholder === undefined) continue
    const value = values[placeholder.number - 1]
    if (value === undefined) throw new TypeError(`The statement has no value for $${placeholder.number}.`)
    if (placeholder.isLimit && Number.isSafeInteger(value)) {
      sql += String(value)
    } else if (Array.isArray(value)) {
      const places = filledUp(value)
      sql += places.length === 0 ? 'null' : places.map(() => '?').join(', ')
      bound.push(...places)
    } else {
      sql += '?'
      bound.push(value)
    }
  }
  return { sql, values: bound }
}

/** Returns the statements of a script, which are separated by `;`. */
export function splitScript(script: string): readonly string[] {
  const statements: string[] = []
  let start = 0
  for (const token of script.matchAll(tokens)) {
    if (token[0] !== ';') continue
    statements.push(script.slice(start, token.index))
    start = token.index + 1
  }
  statements.push(script.slice(start))
  return statements.map((statement) => statement.trim()).filter((statement) => statement !== '')
}

function piecesOf(text: string): readonly Piece[] {
  const before = known.get(text)
  if (before !== undefined) return before
  const pieces = split(text)
  const [oldest] = known.keys()
  if (oldest !== undefined && known.size >= maxKnown) known.delete(oldest)
  known.set(text, pieces)
  return pieces
}

function split(text: string): readonly Piece[] {
  const pieces: Piece[] = []
  let start = 0
  for (const token of text.matchAll(tokens)) {
    if (token[1] === undefined) continue
    const piece = text.slice(start, token.index)
    pieces.push({ text: piece, placeholder: { number: Number(token[1]), isLimit: /\blimit\s+$/i.test(piece) } })
    start = token.index + token[0].length
  }
  pieces.push({ text: text.slice(start), placeholder: undefined })
  return pieces
}

/** Repeats the last value until the length is a power of two. */
function filledUp(values: readonly unknown[]): readonly unknown[] {
  if (values.length === 0) return values
  const length = 2 ** Math.ceil(Math.log2(values.length))
  return [...values, ...Array.from({ length: length - values.length }, () => values.at(-1))]
}
