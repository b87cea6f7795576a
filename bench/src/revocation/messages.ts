/** The configuration of one verifier. */
export interface VerifierSetup {
  readonly databaseUrl: string
  readonly redisUrl: string | undefined
  readonly masterKeys: string
  /** Tokens of other tenants, which the verifier verifies as load. */
  readonly loadTokens: readonly string[]
  /** The share of a core that the verifier uses, 0 to 1. */
  readonly load: number
}

/** A message from the writer to a verifier. */
export type Order =
  | { readonly kind: 'setup'; readonly setup: VerifierSetup }
  /** Verifies this token in a loop until it has been refused. */
  | { readonly kind: 'watch'; readonly token: string }
  | { readonly kind: 'count' }
  | { readonly kind: 'stop' }

/** The verdicts of a verifier on one token, by the machine's monotonic clock in nanoseconds. */
export interface Sighting {
  /** When the last verification that accepted it began. */
  readonly lastAcceptAt: bigint
  /** When the first verification that refused it began. */
  readonly firstRefusalAt: bigint
}

/** The work of a verifier so far. */
export interface Work {
  readonly verifications: number
  readonly cpuMs: number
}

/** A message from a verifier to the writer. */
export type Report =
  | { readonly kind: 'ready' }
  /** The token has been accepted a few times. */
  | { readonly kind: 'accepting' }
  | { readonly kind: 'refused'; readonly sighting: Sighting }
  | { readonly kind: 'counted'; readonly work: Work }
