import type { AuditActor, AuditSubject, AuditTrail } from '../audit/audit-trail.js'
import { isProblem } from '../problem.js'

/**
 * Awaits the admission of a guess, and counts it in the audit log if it is refused with
 * `guess_delayed`.
 */
export async function recordDelay<T>(
  audit: AuditTrail,
  admission: Promise<T>,
  { actor, ...subject }: AuditSubject & { readonly actor: AuditActor },
): Promise<T> {
  try {
    return await admission
  } catch (error) {
    if (isProblem(error) && error.code === 'guess_delayed') {
      await audit.countRefused('guess_delayed', actor, subject)
    }
    throw error
  }
}
