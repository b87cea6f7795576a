/** What one of several processes is to do at the same time as the others. */
export interface VerifyTask {
  readonly tenants: number
  readonly durationMs: number
}

export interface VerifyResult {
  /** Tokens never seen before. */
  readonly perSecond: number
}
