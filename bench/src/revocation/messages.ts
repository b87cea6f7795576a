/** How one verifier is set up. */
export interface VerifierSetup {
  readonly databaseUrl: string
  readonly redisUrl: string | undefined
  readonly masterKeys: string
  /** Tokens of other tenants, which it verifies all the time. */
  readonly loadTokens: readonly string[]
  /** How much of a core it keeps busy, 0 to 1; at 1 it never rests. */
  readonly load: number
}

/** What the writer tells a verifier. */
export type Order =
  | { readonly kind: 'setup'; readonly setup: VerifierSetup }
  /** Verify this token in a loop, from now until it has been refused. */
  | { readonly kind: 'watch'; readonly token: string }
  | { readonly kind: 'count' }
  | { readonly kind: 'stop' }

/** What a verifier saw of one token. Moments of the machine's monotonic clock, in nanoseconds. */
export interface Sighting {
  /** When the last verification that accepted it began. */
  readonly lastAcceptAt: bigint
  /** When the first verification that refused it began. */
  readonly firstRefusalAt: bigint
}

/** What a verifier has done so far. */
export interface Work {
  readonly verifications: number
  readonly cpuMs: number
}

/** What a verifier tells the writer. */
export type Report =
  | { readonly kind: 'ready' }
  /** The token has been accepted a few times. */
  | { readonly kind: 'accepting' }
  | { readonly kind: 'refused'; readonly sighting: Sighting }
  | { readonly kind: 'counted'; readonly work: Work }
