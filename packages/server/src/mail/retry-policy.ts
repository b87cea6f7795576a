const firstDelayMs = 2000
const longestDelayMs = 3_600_000

/** Attempts after which a letter is given up: those of about a day. */
export const maxAttempts = 34

/** How long after the failure of so many attempts the next one follows: twice as long each time, up to an hour. */
export function retryDelayMs(attempts: number): number {
  return Math.min(longestDelayMs, firstDelayMs * 2 ** (attempts - 1))
}

const hopelessCodes: readonly unknown[] = ['EENVELOPE', 'EMESSAGE', 'link_expired']

/** Whether the next attempt would fail as well: the mail server does not want the recipient or the message, or the letter comes too late. */
export function isHopeless(error: unknown): boolean {
  const { code, permanent } = error as { code?: unknown; permanent?: unknown }
  return permanent === true && hopelessCodes.includes(code)
}
