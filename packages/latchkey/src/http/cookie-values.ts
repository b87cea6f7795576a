/**
 * The values of all cookies of exactly this name in a `Cookie` header, in their order (RFC 6265 §4.2.1). Quotes around a value are
 * taken off; nothing is decoded, since a token needs no encoding.
 */
export function cookieValues(header: string, name: string): string[] {
  const values: string[] = []
  for (const pair of header.split(';')) {
    const equals = pair.indexOf('=')
    if (equals < 0 || pair.slice(0, equals).trim() !== name) continue
    const value = pair.slice(equals + 1).trim()
    const quoted = value.length >= 2 && value.startsWith('"') && value.endsWith('"')
    values.push(quoted ? value.slice(1, -1) : value)
  }
  return values
}
