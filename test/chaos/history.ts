/** What a run leaves behind: everything that was asked, with when and how it was answered. Times in milliseconds of the machine's monotonic clock, which all processes share. */
export interface History {
  readonly maxStalenessMs: number
  readonly tokens: readonly IssuedToken[]
  readonly changes: readonly Change[]
  readonly verifications: readonly Verification[]
  readonly faults: readonly FaultPeriod[]
}

/** The process that is asked about every token once all is over: it knows nothing but what is stored. */
export const witness = 'witness'

export interface IssuedToken {
  readonly token: string
  /** Names the secret that signed it. */
  readonly kid: string
  readonly tenant: string
  readonly sessionId: string
  /** The process that signed it. */
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
  /** Of the session that was revoked. */
  readonly sessionId: string
  /** Acknowledged only once it holds in every process. */
  readonly everywhere: boolean
  /** The process that made it; a restarted one has another name. */
  readonly process: string
  readonly startedAt: number
  /** `undefined` when it failed, or its process died: then nobody knows whether it was committed. */
  acknowledgedAt: number | undefined
}

/** One question whether a token holds. */
export interface Verification {
  readonly token: IssuedToken
  readonly process: string
  /** Where the process stands: the place that faults are about. */
  readonly post: string
  readonly beganAt: number
  readonly endedAt: number
  /** `accepted`, or the code of the refusal. */
  readonly outcome: string
}

/** When something was broken. */
export interface FaultPeriod {
  readonly kind: string
  /** The posts that it keeps from reading PostgreSQL: there, and only there, 503 is an answer. */
  readonly cutOff: readonly string[]
  readonly from: number
  /** When it was mended, and no trace of it is left. */
  until: number
}
