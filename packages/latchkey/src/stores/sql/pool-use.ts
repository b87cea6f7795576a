/** How a pool of connections is used at this moment. */
export interface PoolUse {
  /** Connections that statements may use at once. */
  readonly max: number
  /** Open connections in use, with the listening one where that is of the pool too. */
  readonly used: number
  /** Open connections that are free. */
  readonly idle: number
  /** Callers that wait for a connection. */
  readonly waiting: number
}
