/** What a run leaves behind: everything that was asked, with when and how it was answered. Times in milliseconds of the machine's monotonic clock, which all processes share. */
export interface History {
  readonly maxStalenessMs: number
  readonly tokens: readonly IssuedToken[]
  readonly changes: readonly Change[]
  readonly verifications: readonly Verification[]
  readonly faults: readonly FaultPeriod[]
}

export interface IssuedToken {
  readonly token: string
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
  readonly beganAt: number
  readonly endedAt: number
  /** `accepted`, or the code of the refusal. */
  readonly outcome: string
}

/** When something was broken. */
export interface FaultPeriod {
  readonly kind: string
  readonly from: number
  until: number
}
