/** One thing to be done now and then. */
export interface Chore {
  readonly name: string
  readonly run: () => Promise<void>
}

/** Where failures of chores are told. */
export interface HousekeepingLog {
  warn(details: object, message: string): void
}

/** Does the chores every `intervalMs`, without keeping the process alive; gives the function that stops it. */
export function startHousekeeping(chores: readonly Chore[], intervalMs: number, log: HousekeepingLog): () => void {
  const timer = setInterval(() => {
    for (const { name, run } of chores) {
      run().catch((error: unknown) => log.warn({ err: error, chore: name }, 'A chore failed; it is tried again later.'))
    }
  }, intervalMs).unref()
  return () => clearInterval(timer)
}
