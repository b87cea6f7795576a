/** What `pg` is given to run one statement. */
export interface PostgresQuery {
  /** Under which a connection keeps the statement, parsed. */
  readonly name?: string
  readonly text: string
  readonly values?: unknown[]
  readonly types?: { getTypeParser(typeId: number, format?: 'text' | 'binary'): (text: string) => unknown }
  readonly query_timeout?: number
}

/** What `LISTEN` hears. */
export interface PostgresNotification {
  readonly channel: string
  readonly payload?: string | undefined
}

/** A connected `Client` of `pg`, as far as it is used. */
export interface PostgresClient {
  query(query: PostgresQuery): Promise<{ rows: object[] }>
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'end', listener: () => void): unknown
  on(event: 'notification', listener: (message: PostgresNotification) => void): unknown
  removeListener(event: 'error', listener: (error: Error) => void): unknown
}

/** A `PoolClient` of `pg`. */
export interface PostgresPoolClient extends PostgresClient {
  release(destroy?: boolean): void
}

/** A `Pool` of `pg`, as far as it is used. */
export interface PostgresPool {
  readonly options?: { readonly max?: number }
  /** Connections that are open. */
  readonly totalCount?: number
  /** Open connections that nobody uses. */
  readonly idleCount?: number
  /** Callers that wait for a connection. */
  readonly waitingCount?: number
  connect(lent: (error: Error | undefined, client: PostgresPoolClient | undefined) => void): void
}
