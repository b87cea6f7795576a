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

/** What a contender answers: lookups per second in each pass, the first one in code that never ran before. */
export interface ColdResult {
  readonly perSecond: readonly number[]
}
