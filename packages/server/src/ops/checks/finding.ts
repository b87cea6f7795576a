/** The result of one check. */
export interface Finding {
  readonly check: string
  /** `warn`: it works, but needs attention; `fail`: it does not work, or is not safe. */
  readonly level: 'ok' | 'warn' | 'fail'
  readonly detail: string
  /** The next step; absent with `ok`. */
  readonly remedy?: string
  /** The message of the error behind it, for the terminal of the operator alone. */
  readonly cause?: string
}

export function ok(check: string, detail: string): Finding {
  return { check, level: 'ok', detail }
}

export function warn(check: string, detail: string, remedy: string): Finding {
  return { check, level: 'warn', detail, remedy }
}

export function fail(check: string, detail: string, remedy: string, error?: unknown): Finding {
  return { check, level: 'fail', detail, remedy, ...(error === undefined ? {} : { cause: messageOf(error) }) }
}

/** Returns the message of an error and of its causes, in one line. */
function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  const cause = error instanceof Error && error.cause !== undefined ? ` (${messageOf(error.cause)})` : ''
  return `${message.replaceAll(/\s+/g, ' ')}${cause}`
}
