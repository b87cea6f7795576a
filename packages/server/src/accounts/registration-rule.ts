import type { Registration } from '../config/settings.js'
import { accountFailures } from './failures.js'

/** Fails with `registration_closed` unless anybody may register. */
export function checkOpenToAll(registration: Registration): void {
  if (!isOpenToAll(registration)) throw accountFailures.refusal('registration_closed')
}

/** Fails with `registration_closed` where invitations are neither made nor accepted. */
export function checkInvitesAccepted(registration: Registration): void {
  if (registration === 'closed') throw accountFailures.refusal('registration_closed')
}

/** Returns whether anybody may register, without an invitation. */
export function isOpenToAll(registration: Registration): boolean {
  return registration === 'open' || registration === 'by-mail'
}
