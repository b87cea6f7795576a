import type { RequestOrigin } from '../request-origin.js'
import { demoOrigin } from './demo-devices.js'
import type { DemoPerson } from './demo-people.js'
import type { Dice } from './dice.js'

/** Something that has happened to an account in the weeks before the demo. */
export interface DemoEvent {
  readonly at: number
  readonly person: DemoPerson
  readonly kind: 'disable' | 'factor' | 'refused' | 'revoke' | 'rotate' | 'session'
  readonly origin: RequestOrigin
  /** The last use of a session. */
  readonly lastUsedAt: number
  /** Whether the owner has ended the session then. */
  readonly isEnded: boolean
}

const hour = 3_600_000
const day = 24 * hour

/** The time before the demo in which something has happened: somewhat less than sessions live. */
export const weeksMs = 28 * day

/** Returns the events of all people, oldest first. */
export function demoHistory(dice: Dice, people: readonly DemoPerson[], nowMs: number): readonly DemoEvent[] {
  return people.flatMap((person) => eventsOf(dice, person, nowMs)).toSorted((one, other) => one.at - other.at)
}

function eventsOf(dice: Dice, person: DemoPerson, nowMs: number): DemoEvent[] {
  const sinceMs = Math.min(weeksMs, nowMs - person.createdAt)
  const event = (kind: DemoEvent['kind'], agoMs: number): DemoEvent => {
    const at = Math.round(nowMs - Math.min(agoMs, sinceMs - 1))
    const lastUsedAt = Math.round(at + (nowMs - at) * dice.fraction())
    return { at, person, kind, origin: demoOrigin(dice), lastUsedAt, isEnded: dice.happens(0.15) }
  }
  const sometime = () => sinceMs * dice.fraction()
  // A disabled account gets no secret, and nothing else happens to it.
  if (!person.isActive && dice.happens(0.03)) return [event('disable', sometime())]
  const events: DemoEvent[] = []
  if (person.isActive) for (let left = dice.whole(1, 3); left > 0; left -= 1) events.push(event('session', sometime()))
  if (dice.happens(0.1)) events.push(event('refused', sometime()))
  if (dice.happens(0.08)) events.push(event('rotate', sometime()))
  // The old secret still verifies: its grace period is an hour.
  if (dice.happens(0.015)) events.push(event('rotate', hour * dice.fraction()))
  if (dice.happens(0.01)) events.push(event('revoke', sometime()))
  if (person.isActive && dice.happens(0.12)) events.push(event('factor', sometime()))
  return events
}
