/** One statement for `query` and `execute` of `mysql2`, with every option that shapes its rows. */
export interface Mysql2Statement {
  readonly sql: string
  readonly values: never[]
  readonly namedPlaceholders: false
  readonly nestTables: false
  readonly rowsAsArray: false
  readonly typeCast: true
  readonly supportBigNumbers: true
}

/** The parts of a connection of `mysql2` that are used. */
export interface Mysql2Connection {
  query(statement: Mysql2Statement, answered: (error: Error | null, result: unknown) => void): unknown
  execute(statement: Mysql2Statement, answered: (error: Error | null, result: unknown) => void): unknown
}

/** A connection of `mysql2/promise`, which wraps one with callbacks. */
export interface Mysql2PromiseConnection {
  query(statement: Mysql2Statement): Promise<unknown>
  execute(statement: Mysql2Statement): Promise<unknown>
}

/** The parts of the socket of a connection that are used. */
export interface Mysql2Socket {
  /** Keeps the process running while the socket is open. */
  ref(): unknown
  /** Lets the process end although the socket is open. */
  unref(): unknown
  once(event: 'close', listener: () => void): unknown
}

/** The parts of a connection of a pool of `mysql2` that are used. */
export interface Mysql2PoolConnection extends Mysql2Connection {
  release(): void
  destroy(): void
}

/** The parts of a pool of `mysql2` that are used. */
export interface Mysql2Pool {
  getConnection(lent: (error: Error | null, connection: Mysql2PoolConnection) => void): void
}

/**
 * Returns the socket of the connection, which the types of `mysql2` do not declare, or `undefined`
 * if there is none.
 */
export function socketOf(connection: Mysql2Connection): Mysql2Socket | undefined {
  return 'stream' in connection && isSocket(connection.stream) ? connection.stream : undefined
}

function isSocket(value: unknown): value is Mysql2Socket {
  return typeof value === 'object' && value !== null && ['ref', 'unref', 'once'].every((name) => name in value)
}
