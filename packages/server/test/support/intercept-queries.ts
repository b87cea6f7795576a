import pg from 'pg'

/** Sends a statement, and returns the answer of `pg`. */
type Send = () => unknown

/**
 * Calls `intercept` for every statement that this process sends to PostgreSQL, with the connection
 * and the arguments of `query`; its result is returned to the caller. Returns a function that ends
 * this.
 */
export function interceptQueries(
  intercept: (send: Send, connection: object, args: readonly unknown[]) => unknown,
): () => void {
  const query = pg.Client.prototype.query as unknown as (this: object, ...args: unknown[]) => unknown
  Object.assign(pg.Client.prototype, {
    query(this: object, ...args: unknown[]) {
      return intercept(() => query.apply(this, args), this, args)
    },
  })
  return () => void Object.assign(pg.Client.prototype, { query })
}
