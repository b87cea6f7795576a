/** Who looks a tenant up, and where. */
export type ContenderName =
  | 'Latchkey, from PostgreSQL'
  | 'pg, a query each'
  | 'Latchkey, from Redis'
  | 'ioredis, a get each'
  | 'ioredis, a get each, auto pipelining'

/** One contender's task. */
export interface ColdTask {
  readonly contender: ContenderName
  readonly databaseUrl: string
  readonly redisUrl: string
  readonly masterKeys: string
  /** One token a tenant. */
  readonly tokens: readonly string[]
  /** The kid of each token. */
  readonly kids: readonly string[]
  /** Lookups that wait for an answer at the same time. */
  readonly inFlight: number
  readonly passes: number
}

/** One pass over all tenants. */
export interface ColdPass {
  readonly perSecond: number
  /** Microseconds of this process's time that each lookup took, on whatever core: others on the machine disturb it little. */
  readonly cpuMicros: number
  /** Reads of PostgreSQL, each of up to 500 tenants. */
  readonly storeReads: number
}

/** What a contender answers; the first pass is one of code that never ran before. */
export interface ColdResult {
  readonly passes: readonly ColdPass[]
}
