/** Throws a TypeError unless `sessionId` is 1 to 255 visible ASCII characters: what every store and every header can hold as it is. */
export function checkSessionId(sessionId: string): void {
  const usable = typeof sessionId === 'string' && /^[\x21-\x7e]{1,255}$/.test(sessionId)
  if (!usable) throw new TypeError('sessionId is 1 to 255 visible ASCII characters.')
}
