/** One thing to be done now and then. */
export interface Chore {
  readonly name: string
  readonly run: () => Promise<void>
}

/** Where failures of chores are told. */
export interface HousekeepingLog {
  warn(details: object, message: string): void
}

/**
 * Does the chores every `intervalMs`, without keeping the process alive; gives the function that stops it. A chore that goes on failing is told
 * once, until it succeeds again.
 */
export function startHousekeeping(chores: readonly Chore[], intervalMs: number, log: HousekeepingLog): () => void {
  const failing = new Set<string>()
  const attempt = async ({ name, run }: Chore) => {
    try {
      await run()
      failing.delete(name)
    } catch (error) {
      if (!failing.has(name))
        log.warn({ err: error, chore: name }, 'A chore failed; it is tried again until it succeeds.')
      failing.add(name)
    }
  }
  const timer = setInterval(() => {
    for (const chore of chores) void attempt(chore)
  }, intervalMs).unref()
  return () => clearInterval(timer)
}
