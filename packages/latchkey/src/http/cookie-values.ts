import { trimWhitespace } from './trim-whitespace.js'

/** One `name=value` of a `Cookie` header. */
interface CookiePair {
  readonly name: string
  readonly value: string
}

/**
 * Returns the values of all cookies of exactly this name in a `Cookie` header, in their order (RFC
 * 6265 §4.2.1). Names are compared byte by byte. Quotes around a value are removed, and nothing is
 * decoded: a token needs no encoding. A cookie with an empty value counts as absent, because sites
 * leave one behind at a sign-out.
 *
 * @param header The whole `Cookie` header.
 * @example
 * ```ts
 * import { cookieValues } from 'latchkey/node'
 *
 * cookieValues('theme=dark; session=abc', 'session') // ['abc']
 * ```
 */
export function cookieValues(header: string, name: string): string[] {
  return header
    .split(';')
    .map(parsePair)
    .filter((pair) => pair.name === name && pair.value !== '')
    .map(({ value }) => value)
}

/**
 * Returns a `Cookie` header without the cookies of these names; the other cookies stay as they
 * were.
 *
 * @returns The header, or `undefined` if no cookie remains.
 * @example
 * ```ts
 * import { withoutCookies } from 'latchkey/node'
 *
 * withoutCookies('theme=dark; session=abc', new Set(['session'])) // 'theme=dark'
 * ```
 */
export function withoutCookies(header: string, names: ReadonlySet<string>): string | undefined {
  const kept = header
    .split(';')
    .map(trimWhitespace)
    .filter((pair) => pair !== '' && !names.has(parsePair(pair).name))
  return kept.length === 0 ? undefined : kept.join('; ')
}

/** A pair without an equals sign is a value without a name, as browsers write it. */
function parsePair(pair: string): CookiePair {
  const equals = pair.indexOf('=')
  return {
    name: trimWhitespace(pair.slice(0, Math.max(equals, 0))),
    value: withoutQuotes(trimWhitespace(pair.slice(equals + 1))),
  }
}

function withoutQuotes(value: string): string {
  const quoted = value.length >= 2 && value.startsWith('"') && value.endsWith('"')
  return quoted ? value.slice(1, -1) : value
}
