import { isAscii, isUtf8 } from 'node:buffer'

/**
 * Parses UTF-8 JSON; returns `undefined` if it is not a well-formed object. The last of several
 * members with one name counts, as with JSON.parse; see `hasDuplicateNames`.
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
  // Nearly all tokens are ASCII, which is decoded three times faster as Latin-1 than as UTF-8.
  if (isAscii(bytes)) return bytes.toString('latin1')
  return isUtf8(bytes) ? bytes.toString('utf8') : undefined
}

const token = /"(?:[^"\\]|\\.)*"|[{}[\],:]/g

/**
 * Returns whether an object anywhere in this valid JSON has two members of the same name, also if
 * one is written with escapes. RFC 7515 §4 requires unique header names; JSON.parse silently uses
 * the last.
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
