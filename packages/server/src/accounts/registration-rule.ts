import type { Registration } from '../config/settings.js'
import { Problem } from '../problem.js'

/** Fails with `registration_closed` unless anybody may register. */
export function checkOpenToAll(registration: Registration): void {
  if (!isOpenToAll(registration)) throw new Problem('registration_closed')
}

/** Fails with `registration_closed` where invitations are neither made nor accepted. */
export function checkInvitesAccepted(registration: Registration): void {
  if (registration === 'closed') throw new Problem('registration_closed')
}

/** Returns whether anybody may register, without an invitation. */
export function isOpenToAll(registration: Registration): boolean {
  return registration === 'open' || registration === 'by-mail'
}
