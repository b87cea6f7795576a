/** The ways to look up a tenant that are compared. */
export type ContenderName =
  | 'Latchkey, from PostgreSQL'
  | 'pg, a query each'
  | 'Latchkey, from Redis'
  | 'ioredis, a get each'
  | 'ioredis, a get each, auto pipelining'

/** The task of one contender. */
export interface ColdTask {
  readonly contender: ContenderName
  readonly databaseUrl: string
  readonly redisUrl: string
  readonly masterKeys: string
  /** One token per tenant. */
  readonly tokens: readonly string[]
  /** The kid of each token. */
  readonly kids: readonly string[]
  /** Look-ups in flight at the same time. */
  readonly inFlight: number
  readonly passes: number
}

/** One pass over all tenants. */
export interface ColdPass {
  readonly perSecond: number
  /** CPU time of this process per look-up, in microseconds. Other processes hardly affect it. */
  readonly cpuMicros: number
  /** Reads of PostgreSQL, each of up to 500 tenants. */
  readonly storeReads: number
}

/** The result of a contender. In the first pass the code runs for the first time. */
export interface ColdResult {
  readonly passes: readonly ColdPass[]
}
