import { isAscii, isUtf8 } from 'node:buffer'

/**
 * The JSON object that these bytes are; `undefined` when they are not UTF-8, not JSON, or not an object. Of members with the same name
 * the last counts, as in JSON.parse; see `hasDuplicateNames`.
 */
export function parseJsonObject(bytes: Buffer): Record<string, unknown> | undefined {
  const text = decodeUtf8(bytes)
  if (text === undefined) return undefined
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}

function decodeUtf8(bytes: Buffer): string | undefined {
  // Nearly all tokens are ASCII, and reading that as Latin-1 is three times faster than as UTF-8.
  if (isAscii(bytes)) return bytes.toString('latin1')
  return isUtf8(bytes) ? bytes.toString('utf8') : undefined
}

const token = /"(?:[^"\\]|\\.)*"|[{}[\],:]/g

/**
 * Whether an object anywhere in this JSON text has two members of the same name, also when one is written with escapes
 * (RFC 7515 §4 wants header names to be unique; JSON.parse keeps the last and says nothing). The text must be valid JSON.
 */
export function hasDuplicateNames(json: string): boolean {
  const open: (Set<string> | undefined)[] = []
  let previous: string | undefined
  for (const [symbol] of json.matchAll(token)) {
    if (symbol === '{') open.push(new Set())
    else if (symbol === '[') open.push(undefined)
    else if (symbol === '}' || symbol === ']') open.pop()
    else if (symbol === ':' && previous !== undefined) {
      const names = open.at(-1)
      const name: string = JSON.parse(previous)
      if (names?.has(name)) return true
      names?.add(name)
    }
    previous = symbol
  }
  return false
}
