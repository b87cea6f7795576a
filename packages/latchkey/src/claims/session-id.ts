/**
 * Checks that a session ID is 1 to 255 visible ASCII characters, which every store and every HTTP
 * header can hold.
 *
 * @throws TypeError otherwise
 */
export function checkSessionId(sessionId: string): void {
  if (!isSessionId(sessionId)) throw new TypeError('sessionId is 1 to 255 visible ASCII characters.')
}

/** Returns whether `checkSessionId` accepts the value. */
export function isSessionId(value: unknown): value is string {
  return typeof value === 'string' && /^[\x21-\x7e]{1,255}$/.test(value)
}
