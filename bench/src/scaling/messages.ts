/** The task of each process. */
export interface VerifyTask {
  readonly tenants: number
  readonly durationMs: number
}

export interface VerifyResult {
  /** Verifications of tokens that were never seen before. */
  readonly perSecond: number
}
