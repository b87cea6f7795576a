import { type Change, type FaultPeriod, type History, type IssuedToken, type Verification, witness } from './history.js'

/** A broken promise, with the token and the event that broke it. */
export interface Violation {
  readonly promise:
    | 'accepted_too_late'
    | 'accepted_by_its_own_process'
    | 'accepted_after_everywhere'
    | 'accepted_after_refusal'
    | 'valid_token_refused'
    | 'unavailable_in_calm'
    | 'signed_with_an_old_secret'
    | 'unanswered_at_the_end'
  readonly token: IssuedToken
  readonly verification?: Verification
  readonly change?: Change
}

/**
 * Returns the violations in this history of the promises of docs/explanation/consistency.md:
 * - A token is accepted by a verification that began more than `maxStaleness` after the
 *   acknowledgement of the change that ended it, or at any time after it in the process that made
 *   the change. For the witness, which reads only the database, this means that the change was
 *   lost.
 * - A token is accepted by a verification that began after the acknowledgement of a change that
 *   waits for propagation.
 * - A token is accepted by a verification that began after the same process had refused it as
 *   revoked.
 * - A token is refused with another code than that of 503, although no change that ends it had
 *   started.
 * - 503 is returned where PostgreSQL could be reached.
 * - A replaced secret signs again: in the process that replaced it, or in any process after a
 *   change that waits for propagation, or in any process after `maxStaleness`.
 * - The witness did not verify a token.
 */
export function check(history: History): Violation[] {
  const changes = groupsOf(history.changes, ({ tenant }) => tenant)
  return [
    ...history.verifications.flatMap((verification) =>
      verificationViolations(verification, changes.get(verification.token.tenant) ?? [], history),
    ),
    ...acceptedAgain(history),
    ...oldSecrets(history, changes),
    ...unanswered(history),
  ]
}

/**
 * Returns for each change the milliseconds from its acknowledgement to the start of the last
 * verification that still accepted an ended token; 0 where none did.
 */
export function lastAccepts({ changes, verifications }: History): readonly number[] {
  const accepts = groupsOf(
    verifications.filter(({ outcome }) => outcome === 'accepted'),
    ({ token }) => token.tenant,
  )
  return changes.flatMap((change) => {
    const { acknowledgedAt } = change
    if (acknowledgedAt === undefined || change.kind === 'rotate') return []
    const ended = (accepts.get(change.tenant) ?? []).filter(({ token }) => ends(change, token))
    return [Math.max(0, ...ended.map(({ beganAt }) => beganAt - acknowledgedAt))]
  })
}

/**
 * Returns whether PostgreSQL could be reached during the whole verification, so that 503 is a
 * violation.
 */
export function isCalm({ post, beganAt, endedAt }: Verification, faults: readonly FaultPeriod[]): boolean {
  return !faults.some(({ cutOff, from, until }) => endedAt >= from && beganAt <= until && cutOff.includes(post))
}

function verificationViolations(
  verification: Verification,
  ofTenant: readonly Change[],
  history: History,
): Violation[] {
  const { token, outcome, endedAt } = verification
  const { maxStalenessMs, faults } = history
  if (outcome === 'accepted') return acceptViolations(verification, ofTenant, maxStalenessMs)
  if (outcome === 'store_unavailable') {
    return isCalm(verification, faults) ? [{ promise: 'unavailable_in_calm', token, verification }] : []
  }
  const hasReason = ofTenant.some((change) => mayEnd(change, token, maxStalenessMs) && change.startedAt < endedAt)
  return hasReason ? [] : [{ promise: 'valid_token_refused', token, verification }]
}

function acceptViolations(verification: Verification, changes: readonly Change[], maxStalenessMs: number): Violation[] {
  const { token, process, beganAt } = verification
  return changes.flatMap((change): Violation[] => {
    const { acknowledgedAt } = change
    if (acknowledgedAt === undefined || !ends(change, token)) return []
    const lateMs = beganAt - acknowledgedAt
    if (lateMs > maxStalenessMs) return [{ promise: 'accepted_too_late', token, verification, change }]
    if (!(lateMs > 0)) return []
    if (change.everywhere) return [{ promise: 'accepted_after_everywhere', token, verification, change }]
    return change.process === process ? [{ promise: 'accepted_by_its_own_process', token, verification, change }] : []
  })
}

function acceptedAgain({ verifications }: History): Violation[] {
  const refusals = verifications.filter(({ outcome }) => outcome === 'token_revoked')
  const refused = groupsOf(refusals, ({ token }) => token.token)
  return verifications
    .filter(({ outcome }) => outcome === 'accepted')
    .filter(({ token, process, beganAt }) =>
      refused.get(token.token)?.some((earlier) => earlier.process === process && earlier.endedAt < beganAt),
    )
    .map((verification): Violation => ({ promise: 'accepted_after_refusal', token: verification.token, verification }))
}

function oldSecrets({ tokens, maxStalenessMs }: History, changes: ReadonlyMap<string, readonly Change[]>): Violation[] {
  const ofKid = groupsOf(tokens, ({ kid }) => kid)
  return tokens.flatMap((token) => {
    const firstOfSecret = ofKid.get(token.kid)?.[0] ?? token
    return (changes.get(token.tenant) ?? [])
      .filter((change) => change.kind !== 'revokeSession' && firstOfSecret.issuedAt < change.startedAt)
      .filter((change) => token.askedAt > knownAt(change, token.process, maxStalenessMs))
      .map((change): Violation => ({ promise: 'signed_with_an_old_secret', token, change }))
  })
}

function unanswered({ tokens, verifications }: History): Violation[] {
  const answered = new Set(
    verifications
      .filter(({ process, outcome }) => process === witness && outcome !== 'store_unavailable')
      .map(({ token }) => token),
  )
  return tokens.filter((token) => !answered.has(token)).map((token) => ({ promise: 'unanswered_at_the_end', token }))
}

/**
 * Returns whether this change, once committed, has ended the token: the change applies to it, and
 * it was issued before.
 */
function ends(change: Change, token: IssuedToken): boolean {
  return isAbout(change, token) && token.issuedAt < change.startedAt
}

/**
 * Returns whether this change may have ended the token. A change of unknown outcome may be
 * committed at any time, and a process that has not received a change signs with the ended secret.
 */
function mayEnd(change: Change, token: IssuedToken, maxStalenessMs: number): boolean {
  return isAbout(change, token) && token.askedAt < knownAt(change, token.process, maxStalenessMs)
}

/** Returns the time from which this process must apply the change. */
function knownAt(
  { acknowledgedAt, everywhere, process: author }: Change,
  process: string,
  maxStalenessMs: number,
): number {
  return (acknowledgedAt ?? Number.POSITIVE_INFINITY) + (everywhere || author === process ? 0 : maxStalenessMs)
}

function isAbout({ kind, tenant, sessionId }: Change, token: IssuedToken): boolean {
  if (kind === 'rotate' || tenant !== token.tenant) return false
  return kind !== 'revokeSession' || sessionId === token.sessionId
}

function groupsOf<T>(values: readonly T[], nameOf: (value: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>()
  for (const value of values) {
    const group = groups.get(nameOf(value))
    if (group === undefined) groups.set(nameOf(value), [value])
    else group.push(value)
  }
  return groups
}
