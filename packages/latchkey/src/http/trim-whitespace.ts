/**
 * Returns the text without SP and HTAB at its ends: the optional whitespace of HTTP (RFC 9110
 * §5.6.3).
 *
 * `String.prototype.trim` also removes characters such as U+00A0, which browsers and proxies treat
 * as part of a name. A cookie whose name begins with the byte A0 must not become one that begins
 * with `__Host-`.
 */
export function trimWhitespace(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isWhitespace(text.charCodeAt(start))) start += 1
  while (start < end && isWhitespace(text.charCodeAt(end - 1))) end -= 1
  return text.slice(start, end)
}

function isWhitespace(code: number): boolean {
  return code === 0x20 || code === 0x09
}
