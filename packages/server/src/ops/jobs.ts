import type { App } from '../http/app.js'
import type { Metrics } from './metrics.js'

/** A background job. */
export interface Job {
  readonly name: string
  readonly run: () => Promise<void>
}

/** Receives warnings of failed jobs. */
export interface JobLog {
  warn(details: object, message: string): void
}

/** The schedule of jobs. */
export interface JobSchedule {
  readonly intervalMs: number
  /** Whether each job also runs at once, before the first interval. @defaultValue false */
  readonly atOnce?: boolean
}

/** The interval of jobs that are not urgent. */
export const slowIntervalMs = 600_000

/**
 * Runs the jobs in intervals, without keeping the process alive. A job that is still running when it is
 * due again is skipped, so that jobs do not pile up while the database does not answer. Repeated
 * failures of a job are logged once, until it succeeds.
 *
 * @returns the function that stops the jobs
 */
export function startJobs(jobs: readonly Job[], { intervalMs, atOnce = false }: JobSchedule, log: JobLog): () => void {
  const failing = new Set<string>()
  const running = new Set<string>()
  const attempt = async ({ name, run }: Job) => {
    if (running.has(name)) return
    running.add(name)
    try {
      await run()
      failing.delete(name)
    } catch (error) {
      if (!failing.has(name)) log.warn({ err: error, job: name }, 'A job failed; it is retried until it succeeds.')
      failing.add(name)
    } finally {
      running.delete(name)
    }
  }
  const attemptAll = () => {
    for (const job of jobs) void attempt(job)
  }
  if (atOnce) attemptAll()
  const timer = setInterval(attemptAll, intervalMs).unref()
  return () => clearInterval(timer)
}

/** Runs the jobs until the app closes, and counts their failures. */
export function scheduleJobs(
  app: App,
  jobs: readonly Job[],
  { jobFailures, ...schedule }: JobSchedule & Pick<Metrics, 'jobFailures'>,
): void {
  const counted = jobs.map(({ name, run }) => ({
    name,
    run: () =>
      run().catch((error: unknown) => {
        jobFailures.inc({ chore: name })
        throw error
      }),
  }))
  const stop = startJobs(counted, schedule, app.log)
  app.addHook('onClose', async () => stop())
}
