import type { PostgresPool, PostgresPoolClient } from './postgres-client.js'

/**
 * A connection of the pool, with an ear for its end. The pool listens for errors only until it hands the connection over, and an error that nobody
 * hears ends the process. The server's last words may stand in the very chunk that opened the connection, so the ear is there when the pool calls back:
 * after a promise it would be too late.
 */
export function lendClient(pool: PostgresPool): Promise<PostgresPoolClient> {
  return new Promise((resolve, reject) => {
    pool.connect((error, client) => {
      if (client === undefined) return reject(error)
      client.on('error', ignore)
      resolve(client)
    })
  })
}

/** Gives it back; `destroy` when it may not be used again. */
export function giveBack(client: PostgresPoolClient, destroy: boolean): void {
  client.removeListener('error', ignore)
  client.release(destroy)
}

/** Whatever the connection was wanted for fails, and says so. */
const ignore = () => {}
