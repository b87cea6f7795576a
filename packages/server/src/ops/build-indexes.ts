import type { OpenDatabase } from '../database/open-database.js'
import type { Job, JobLog } from './jobs.js'

/** The SQLSTATE of a statement that the role may not run. */
const insufficientPrivilege = '42501'

/**
 * Returns the job that builds the indexes which a database with many rows lacks after an upgrade.
 * Requests are answered meanwhile, with slower searches. A role that may not create indexes is
 * reported once, because only the operator can change that.
 */
export function indexJob({ buildIndexes }: Pick<OpenDatabase, 'buildIndexes'>, log: JobLog, signal: AbortSignal): Job {
  let mayNot = false
  return {
    name: 'build indexes',
    run: async () => {
      if (mayNot) return
      try {
        await buildIndexes(signal)
      } catch (error) {
        if (signal.aborted) return
        if (!isForbidden(error)) throw error
        mayNot = true
        log.warn(
          { err: error },
          'The role may not create indexes, so searches are slow: run "latchkey migrate" with the owner of the tables.',
        )
      }
    },
  }
}

function isForbidden(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === insufficientPrivilege
}
