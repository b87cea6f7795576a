import type { PostgresPool, PostgresPoolClient } from './postgres-client.js'

const patienceMs = 5000

/**
 * A connection of the pool, with an ear for its end. The pool listens for errors only until it hands the connection over, and an error that nobody
 * hears ends the process. The server's last words may stand in the very chunk that opened the connection, so the ear is there when the pool calls back:
 * after a promise it would be too late. Rejects after five seconds, because a pool of the caller's may have no limit of its own.
 */
export function lendClient(pool: PostgresPool): Promise<PostgresPoolClient> {
  return new Promise((resolve, reject) => {
    let isAwaited = true
    const timer = setTimeout(() => {
      isAwaited = false
      reject(new Error(`The pool had no connection within ${patienceMs} ms.`))
    }, patienceMs)
    pool.connect((error, client) => {
      clearTimeout(timer)
      if (client === undefined) return reject(error)
      if (!isAwaited) return client.release()
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
