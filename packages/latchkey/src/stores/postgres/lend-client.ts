import { clearTimeout, setTimeout } from '../../timers.js'
import type { PostgresPool, PostgresPoolClient } from './postgres-client.js'

const patienceMs = 5000

/**
 * Takes a connection from the pool and adds an error listener to it.
 *
 * The pool listens for errors only until it hands the connection over, and an `error` event without
 * a listener ends the process. The server may report an error in the same chunk that opened the
 * connection, so the listener is added in the pool's callback: after a promise it would be too
 * late. Rejects after five seconds, because a pool of the caller may have no limit.
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

/** Returns the connection to its pool; with `destroy` it is closed instead. */
export function returnClient(client: PostgresPoolClient, destroy: boolean): void {
  client.removeListener('error', ignore)
  client.release(destroy)
}

/** The statement that runs on the connection fails and reports the error. */
const ignore = () => {}
