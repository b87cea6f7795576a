/** One statement for `query` of `pg`. */
export interface PostgresQuery {
  /** The name of the prepared statement. */
  readonly name?: string
  readonly text: string
  readonly values?: unknown[]
  readonly types?: { getTypeParser(typeId: number, format?: 'text' | 'binary'): (text: string) => unknown }
  readonly query_timeout?: number
}

/** A notification that `LISTEN` receives. */
export interface PostgresNotification {
  readonly channel: string
  readonly payload?: string | undefined
}

/** The parts of a connected `Client` of `pg` that are used. */
export interface PostgresClient {
  query(query: PostgresQuery): Promise<{ rows: object[] }>
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'end', listener: () => void): unknown
  on(event: 'notification', listener: (message: PostgresNotification) => void): unknown
  removeListener(event: 'error', listener: (error: Error) => void): unknown
}

/** The parts of a `Pool` of `pg` that are used. */
export interface PostgresPoolClient extends PostgresClient {
  release(destroy?: boolean): void
}

/** The parts of a `Pool` of `pg` that are used. */
export interface PostgresPool {
  readonly options?: { readonly max?: number }
  /** The number of open connections. */
  readonly totalCount?: number
  /** The number of open connections that are not in use. */
  readonly idleCount?: number
  /** The number of callers that wait for a connection. */
  readonly waitingCount?: number
  connect(lent: (error: Error | undefined, client: PostgresPoolClient | undefined) => void): void
}
