/** The use of a connection pool at this moment. */
export interface PoolUse {
  /** The number of connections that statements may use at once. */
  readonly max: number
  /** The number of open connections in use, with the listening one if it belongs to the pool. */
  readonly used: number
  /** The number of open connections that are free. */
  readonly idle: number
  /** The number of callers that wait for a connection. */
  readonly waiting: number
}
