import {
  type Change,
  type Failover,
  type FaultPeriod,
  type History,
  type IssuedToken,
  postOf,
  type Verification,
  witness,
} from './history.js'

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
 *
 * A failover to a copy that lacks the last commits excuses these events and no others:
 * - The outcome of a change that the copy does not hold is unknown, if the change began before its
 *   process had left the old database, and was acknowledged after the copy had stopped to follow.
 *   So is the outcome of a secret that signed its first token in that time. A process that has not
 *   left the old database does not find the secrets that only the copy has.
 * - A process receives the changes in the copy only once it has left the old database: once it has
 *   read the new epoch, or its last connection to the old database has ended.
 * - A change that waits for propagation waits for a process only if the copy holds its lease: if
 *   the process had accepted a token before the copy stopped to follow. Such a process is bound by
 *   the rule above, and is waited for if it had left the old database before the change began.
 */
export function check(recorded: History): Violation[] {
  const rules = new Rules(recorded)
  const { history } = rules
  const changes = groupsOf(history.changes, ({ tenant }) => tenant)
  return [
    ...history.verifications.flatMap((verification) =>
      verificationViolations(verification, changes.get(verification.token.tenant) ?? [], rules),
    ),
    ...acceptedAgain(rules, changes),
    ...oldSecrets(rules, changes),
    ...unanswered(history),
  ]
}

/**
 * Returns for each change the milliseconds from its acknowledgement to the start of the last
 * verification that still accepted an ended token; 0 where none did. Changes during a failover are
 * left out.
 */
export function lastAccepts({ changes, verifications, failovers }: History): readonly number[] {
  const accepts = groupsOf(
    verifications.filter(({ outcome }) => outcome === 'accepted'),
    ({ token }) => token.tenant,
  )
  return changes.flatMap((change) => {
    const { acknowledgedAt } = change
    if (acknowledgedAt === undefined || change.kind === 'rotate') return []
    if (failovers.some(({ from, until }) => acknowledgedAt >= from && change.startedAt <= until)) return []
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

/** The times from which the changes of a history must hold. */
class Rules {
  /** The history, in which a change that a failover may have lost has no acknowledgement. */
  readonly history: History
  readonly #firstAccepts = new Map<string, number>()
  /** The first token that each secret signed. */
  readonly #firstTokens = new Map<string, IssuedToken>()

  constructor(recorded: History) {
    const { changes, failovers, verifications, tokens } = recorded
    const isLost = (change: Change) => failovers.some((failover) => mayBeLost(change, failover))
    this.history = {
      ...recorded,
      changes: changes.map((change) => (isLost(change) ? { ...change, acknowledgedAt: undefined } : change)),
    }
    for (const { process, endedAt, outcome } of verifications) {
      if (outcome !== 'accepted') continue
      this.#firstAccepts.set(process, Math.min(endedAt, this.#firstAccepts.get(process) ?? endedAt))
    }
    for (const token of tokens) {
      if (!this.#firstTokens.has(token.kid)) this.#firstTokens.set(token.kid, token)
    }
  }

  /** Returns whether a failover explains that the process did not find the secret of the token. */
  isSecretMissing({ token, process, beganAt }: Verification): boolean {
    return this.history.failovers.some((failover) => this.#isMissing(token, failover, { process, beganAt }))
  }

  /**
   * Returns whether a failover may have lost the reason of a refusal before `acceptedAt`: a change
   * that the old database alone has, or a secret that the new one alone has.
   */
  isRefusalLost(refusal: Verification, acceptedAt: number, ofTenant: readonly Change[]): boolean {
    const { token, process, beganAt, endedAt } = refusal
    const { failovers, maxStalenessMs } = this.history
    return failovers.some((failover) => {
      if (!(endedAt >= failover.from && beganAt < leftAt(failover, process) + maxStalenessMs)) return false
      const isUnknown = (change: Change) =>
        isAbout(change, token) && change.acknowledgedAt === undefined && change.startedAt < failover.until
      return acceptedAt >= failover.from && (this.#isMissing(token, failover, refusal) || ofTenant.some(isUnknown))
    })
  }

  /**
   * Returns whether the secret may be in one of the two databases only, and the process may have
   * read the other one. Data that was read is used for `maxStaleness`.
   */
  #isMissing({ kid }: IssuedToken, failover: Failover, reader: Pick<Verification, 'process' | 'beganAt'>): boolean {
    const first = this.#firstTokens.get(kid)
    if (first === undefined || first.issuedAt < failover.from) return false
    const { maxStalenessMs } = this.history
    const isInOld = first.askedAt < leftAt(failover, first.process) + maxStalenessMs
    return isInOld || reader.beganAt < leftAt(failover, reader.process) + maxStalenessMs
  }

  /** Returns the time from which this process must apply the change. */
  bindsFrom(change: Change, process: string): number {
    const { acknowledgedAt = Number.POSITIVE_INFINITY, everywhere, process: author } = change
    if (author === process) return acknowledgedAt
    const { maxStalenessMs, failovers } = this.history
    const excuses = failovers
      .filter(({ from }) => from <= acknowledgedAt)
      .filter((failover) => !everywhere || !this.#isAwaited(change, process, failover))
      .map((failover) => leftAt(failover, process) + maxStalenessMs)
    return Math.max(acknowledgedAt + (everywhere ? 0 : maxStalenessMs), ...excuses)
  }

  #isAwaited({ startedAt }: Change, process: string, failover: Failover): boolean {
    const hasLease = (this.#firstAccepts.get(process) ?? Number.POSITIVE_INFINITY) < failover.from
    return hasLease && leftAt(failover, process) <= startedAt
  }
}

/** The precision of the times of committed changes. */
const clocksDifferMs = 1

function mayBeLost({ tenant, process, startedAt, acknowledgedAt }: Change, failover: Failover): boolean {
  if (acknowledgedAt === undefined || acknowledgedAt < failover.from) return false
  if (startedAt >= leftAt(failover, process)) return false
  return !failover.kept.some(
    (kept) =>
      kept.tenant === tenant && kept.at >= startedAt - clocksDifferMs && kept.at <= acknowledgedAt + clocksDifferMs,
  )
}

/** The witness reads the copy alone. */
function leftAt(failover: Failover, process: string): number {
  return failover.leftAt[postOf(process)] ?? Number.NEGATIVE_INFINITY
}

function verificationViolations(
  verification: Verification,
  ofTenant: readonly Change[],
  rules: Rules,
): readonly Violation[] {
  const { token, outcome, endedAt } = verification
  if (outcome === 'accepted') return acceptViolations(verification, ofTenant, rules)
  if (outcome === 'store_unavailable') {
    return isCalm(verification, rules.history.faults) ? [{ promise: 'unavailable_in_calm', token, verification }] : []
  }
  const hasReason = ofTenant.some((change) => mayEnd(change, token, rules) && change.startedAt < endedAt)
  return hasReason || rules.isSecretMissing(verification)
    ? []
    : [{ promise: 'valid_token_refused', token, verification }]
}

function acceptViolations(verification: Verification, changes: readonly Change[], rules: Rules): Violation[] {
  const { token, process, beganAt } = verification
  return changes.flatMap((change): Violation[] => {
    const { acknowledgedAt } = change
    if (acknowledgedAt === undefined || !ends(change, token)) return []
    if (!(beganAt > rules.bindsFrom(change, process))) return []
    const isLate = beganAt - acknowledgedAt > rules.history.maxStalenessMs
    const promise = change.everywhere ? 'accepted_after_everywhere' : 'accepted_by_its_own_process'
    return [{ promise: isLate ? 'accepted_too_late' : promise, token, verification, change }]
  })
}

function acceptedAgain(rules: Rules, changes: ReadonlyMap<string, readonly Change[]>): Violation[] {
  const { verifications } = rules.history
  const refusals = verifications.filter(({ outcome }) => outcome === 'token_revoked')
  const refused = groupsOf(refusals, ({ token }) => token.token)
  return verifications
    .filter(({ outcome }) => outcome === 'accepted')
    .filter(({ token, process, beganAt }) =>
      refused
        .get(token.token)
        ?.filter((earlier) => earlier.process === process && earlier.endedAt < beganAt)
        .some((earlier) => !rules.isRefusalLost(earlier, beganAt, changes.get(token.tenant) ?? [])),
    )
    .map((verification): Violation => ({ promise: 'accepted_after_refusal', token: verification.token, verification }))
}

function oldSecrets(rules: Rules, changes: ReadonlyMap<string, readonly Change[]>): Violation[] {
  const { tokens } = rules.history
  const ofKid = groupsOf(tokens, ({ kid }) => kid)
  return tokens.flatMap((token) => {
    const firstOfSecret = ofKid.get(token.kid)?.[0] ?? token
    return (changes.get(token.tenant) ?? [])
      .filter((change) => change.kind !== 'revokeSession' && firstOfSecret.issuedAt < change.startedAt)
      .filter((change) => token.askedAt > rules.bindsFrom(change, token.process))
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
function mayEnd(change: Change, token: IssuedToken, rules: Rules): boolean {
  return isAbout(change, token) && token.askedAt < rules.bindsFrom(change, token.process)
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
