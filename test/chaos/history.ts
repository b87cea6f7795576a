/**
 * The record of a run: all requests with their times and outcomes. Times are milliseconds of the
 * machine's monotonic clock, which all processes share.
 */
export interface History {
  readonly maxStalenessMs: number
  readonly tokens: readonly IssuedToken[]
  readonly changes: readonly Change[]
  readonly verifications: readonly Verification[]
  readonly faults: readonly FaultPeriod[]
  readonly failovers: readonly Failover[]
}

/** The process that verifies every token at the end. It reads only the database. */
export const witness = 'witness'

export interface IssuedToken {
  readonly token: string
  /** The ID of the secret that signed the token. */
  readonly kid: string
  readonly tenant: string
  readonly sessionId: string
  /** The process that signed the token. */
  readonly process: string
  readonly askedAt: number
  readonly issuedAt: number
}

export const changeKinds = ['rotate', 'revoke', 'revokeSession', 'requireReissue', 'forget'] as const
export type ChangeKind = (typeof changeKinds)[number]

/** A change of a tenant. */
export interface Change {
  readonly kind: ChangeKind
  readonly tenant: string
  /** The revoked session, if the change revokes one. */
  readonly sessionId: string
  /** Whether the change is acknowledged only after its propagation to every process. */
  readonly everywhere: boolean
  /** The process that made the change; a restarted process has another name. */
  readonly process: string
  readonly startedAt: number
  /**
   * `undefined` when the change failed or its process died, so that it may or may not be committed.
   */
  acknowledgedAt: number | undefined
}

/** One verification of a token. */
export interface Verification {
  readonly token: IssuedToken
  readonly process: string
  /** The post of the process, which faults affect. */
  readonly post: string
  readonly beganAt: number
  readonly endedAt: number
  /** `accepted`, or the code of the refusal. */
  readonly outcome: string
}

/** The period of a fault. */
export interface FaultPeriod {
  readonly kind: string
  /** The posts that cannot read PostgreSQL. Only there is 503 allowed. */
  readonly cutOff: readonly string[]
  readonly from: number
  /** The time at which the fault is repaired and has no more effect. */
  until: number
}

/**
 * A time in which the processes changed from one database to a copy that lacks its last commits: a
 * replica that lagged, or a backup.
 */
export interface Failover {
  /** Every commit that was acknowledged before is in the copy. */
  readonly from: number
  /** From here on the copy is the only database. */
  readonly until: number
  /**
   * For each post, the time after which it did not rely on the old database alone: it read the new
   * epoch, or its last connection to the old database ended.
   */
  readonly leftAt: Readonly<Record<string, number>>
  /** The changes since `from` that are in the copy at the end. */
  readonly kept: readonly KeptChange[]
}

/** A change that a database holds. */
export interface KeptChange {
  readonly tenant: string
  readonly at: number
}

/** Returns the post of a process. */
export function postOf(process: string): string {
  return process.split('.')[0] ?? process
}
