import type { Registration } from '../config/settings.js'
import { accountFailures } from './failures.js'

/** Throws `registration_closed` if registration needs an invitation or is closed. */
export function checkOpenToAll(registration: Registration): void {
  if (!isOpenToAll(registration)) throw accountFailures.refusal('registration_closed')
}

/** Throws `registration_closed` if invitations are neither created nor accepted. */
export function checkInvitesAccepted(registration: Registration): void {
  if (registration === 'closed') throw accountFailures.refusal('registration_closed')
}

/** Returns whether registration is possible without an invitation. */
export function isOpenToAll(registration: Registration): boolean {
  return registration === 'open' || registration === 'by-mail'
}
