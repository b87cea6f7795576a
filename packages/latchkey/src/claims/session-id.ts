/**
 * Checks that a session ID is 1 to 255 visible ASCII characters, which every store and every HTTP
 * header can hold.
 *
 * @throws TypeError otherwise
 */
export function checkSessionId(sessionId: string): void {
  const usable = typeof sessionId === 'string' && /^[\x21-\x7e]{1,255}$/.test(sessionId)
  if (!usable) throw new TypeError('sessionId is 1 to 255 visible ASCII characters.')
}
