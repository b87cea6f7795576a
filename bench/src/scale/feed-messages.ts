/** How the simulated processes reach the database. */
export interface ListenerSetup {
  readonly databaseUrl: string
  readonly masterKeys: string
  readonly maxStalenessMs: number
}

/** A message to a host of simulated processes. Each is answered by one report. */
export type Order =
  /** Opens so many more simulated processes. */
  | { readonly kind: 'open'; readonly setup: ListenerSetup; readonly count: number; readonly patienceMs: number }
  /** The first simulated processes of this host verify these tokens, so that they cache the keys. */
  | { readonly kind: 'hold'; readonly tokens: readonly string[] }
  /** Records the delivery of the next change, and the refusals of the token. */
  | { readonly kind: 'expect'; readonly token: string }
  | { readonly kind: 'collect'; readonly patienceMs: number }
  /** Discards the ages that were recorded so far. */
  | { readonly kind: 'begin' }
  | { readonly kind: 'end' }

/** The moments of a change in the simulated processes of one host. */
export interface Sightings {
  /** When the change feed delivered it, by the machine's monotonic clock in nanoseconds. */
  readonly deliveredAt: readonly bigint[]
  /** When a verification of the token was first refused. */
  readonly refusedAt: readonly bigint[]
  /** The simulated processes whose feed has not delivered it in time. */
  readonly missing: number
}

/** The age of the data of the simulated processes of one host, in a period. */
export interface Ages {
  /**
   * The age at each proof, just before it: the oldest data on which a verifier has accepted tokens
   * since the previous proof. In milliseconds.
   */
  readonly agesMs: readonly number[]
  readonly maxMs: number
  /** The CPU time of the host since it started. */
  readonly cpuMs: number
}

/** A message from a host. */
export type Report =
  | { readonly kind: 'opened'; readonly failure: string | undefined }
  | { readonly kind: 'holding' }
  | { readonly kind: 'expecting' }
  | { readonly kind: 'collected'; readonly sightings: Sightings }
  | { readonly kind: 'begun'; readonly cpuMs: number }
  | { readonly kind: 'ended'; readonly ages: Ages }
