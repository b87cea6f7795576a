/** One thing to be done now and then. */
export interface Chore {
  readonly name: string
  readonly run: () => Promise<void>
}

/** Where failures of chores are told. */
export interface HousekeepingLog {
  warn(details: object, message: string): void
}

/** When chores begin. */
export interface HousekeepingOptions {
  /** Does every chore at once as well, instead of after the first interval. */
  readonly atOnce?: boolean
}

/**
 * Does the chores every `intervalMs`, without keeping the process alive; gives the function that stops it. A chore that
 * still runs when its turn comes is left to it, so that chores do not pile up while the database does not answer. A chore
 * that goes on failing is logged once, until it succeeds again.
 */
export function startHousekeeping(
  chores: readonly Chore[],
  intervalMs: number,
  log: HousekeepingLog,
  { atOnce = false }: HousekeepingOptions = {},
): () => void {
  const failing = new Set<string>()
  const running = new Set<string>()
  const attempt = async ({ name, run }: Chore) => {
    if (running.has(name)) return
    running.add(name)
    try {
      await run()
      failing.delete(name)
    } catch (error) {
      if (!failing.has(name))
        log.warn({ err: error, chore: name }, 'A chore failed; it is tried again until it succeeds.')
      failing.add(name)
    } finally {
      running.delete(name)
    }
  }
  const attemptAll = () => {
    for (const chore of chores) void attempt(chore)
  }
  if (atOnce) attemptAll()
  const timer = setInterval(attemptAll, intervalMs).unref()
  return () => clearInterval(timer)
}
