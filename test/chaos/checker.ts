import type { Change, History, IssuedToken, Verification } from './history.js'

/** A promise that was broken, and by what. */
export interface Violation {
  readonly promise: 'accepted_too_late' | 'accepted_by_its_own_process' | 'valid_token_refused' | 'unavailable_in_calm'
  readonly verification: Verification
  readonly change: Change | undefined
}

/** How long after a fault has ended its traces may still be seen: a feed reconnects with a back-off of up to 5 s. */
const afterglowMs = 7000

/**
 * Every promise of docs/consistency.md that this history breaks: a token accepted by a verification that began later than `maxStaleness` after the change that ended
 * it was acknowledged; or after it at all, by the process that made the change; a token refused with anything but 503 that nobody had begun to end; and 503
 * while nothing was broken.
 */
export function check(history: History): Violation[] {
  const changes = byTenant(history.changes, ({ tenant }) => tenant)
  return history.verifications.flatMap((verification): Violation[] => {
    const { token, outcome } = verification
    const ofTenant = changes.get(token.tenant) ?? []
    if (outcome === 'accepted') return acceptViolations(verification, ofTenant, history.maxStalenessMs)
    if (outcome === 'store_unavailable') return unavailableViolations(verification, history)
    const hasReason = ofTenant.some(
      (change) => mayEnd(change, token, history.maxStalenessMs) && change.startedAt < verification.endedAt,
    )
    return hasReason ? [] : [{ promise: 'valid_token_refused', verification, change: undefined }]
  })
}

/** Milliseconds from each acknowledgement to the beginning of the last verification that still accepted what it ended; 0 where none did. */
export function lastAccepts({ changes, verifications }: History): readonly number[] {
  const accepts = byTenant(
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

function acceptViolations(verification: Verification, changes: readonly Change[], maxStalenessMs: number): Violation[] {
  return changes.flatMap((change): Violation[] => {
    const { acknowledgedAt } = change
    if (acknowledgedAt === undefined || !ends(change, verification.token)) return []
    const lateMs = verification.beganAt - acknowledgedAt
    if (lateMs > maxStalenessMs) return [{ promise: 'accepted_too_late', verification, change }]
    const isOwn = change.process === verification.process
    return isOwn && lateMs > 0 ? [{ promise: 'accepted_by_its_own_process', verification, change }] : []
  })
}

function unavailableViolations(verification: Verification, { faults }: History): Violation[] {
  const isExcused = faults.some(
    ({ from, until }) => verification.endedAt >= from && verification.beganAt <= until + afterglowMs,
  )
  return isExcused ? [] : [{ promise: 'unavailable_in_calm', verification, change: undefined }]
}

/** Whether this change, once committed, has ended the token: it was issued before, and the change is about it. */
function ends(change: Change, token: IssuedToken): boolean {
  return isAbout(change, token) && token.issuedAt < change.startedAt
}

/**
 * Whether this change may have ended the token. One whose outcome nobody knows may be committed at any time; and a process that has not heard of a change yet
 * signs with the secret that it ended.
 */
function mayEnd(change: Change, token: IssuedToken, maxStalenessMs: number): boolean {
  if (!isAbout(change, token)) return false
  const heardBy =
    (change.acknowledgedAt ?? Number.POSITIVE_INFINITY) + (change.process === token.process ? 0 : maxStalenessMs)
  return token.askedAt < heardBy
}

function isAbout({ kind, tenant, sessionId }: Change, token: IssuedToken): boolean {
  if (kind === 'rotate' || tenant !== token.tenant) return false
  return kind !== 'revokeSession' || sessionId === token.sessionId
}

function byTenant<T>(values: readonly T[], tenantOf: (value: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>()
  for (const value of values) {
    const group = groups.get(tenantOf(value))
    if (group === undefined) groups.set(tenantOf(value), [value])
    else group.push(value)
  }
  return groups
}
