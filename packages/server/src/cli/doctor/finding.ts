/** What a check has found. */
export interface Finding {
  readonly check: string
  /** `warn`: it works, but not as it should; `fail`: it does not work, or must not stay so. */
  readonly level: 'ok' | 'warn' | 'fail'
  readonly detail: string
  /** What to do; not with `ok`. */
  readonly remedy?: string
}

export function ok(check: string, detail: string): Finding {
  return { check, level: 'ok', detail }
}

export function warn(check: string, detail: string, remedy: string): Finding {
  return { check, level: 'warn', detail, remedy }
}

export function fail(check: string, detail: string, remedy: string): Finding {
  return { check, level: 'fail', detail, remedy }
}

/** What an error says, in one line. */
export function said(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  const cause = error instanceof Error && error.cause !== undefined ? ` (${said(error.cause)})` : ''
  return `${message.replaceAll(/\s+/g, ' ')}${cause}`
}
