import { clearTimeout, setTimeout } from '../../timers.js'
import type { Mysql2Pool, Mysql2PoolConnection } from './mysql2.js'

const patienceMs = 5000

/**
 * Takes a connection from the pool. Rejects after five seconds, because a pool of the caller may
 * have no limit.
 */
export function lendConnection(pool: Mysql2Pool): Promise<Mysql2PoolConnection> {
  return new Promise((resolve, reject) => {
    let isAwaited = true
    const timer = setTimeout(() => {
      isAwaited = false
      reject(new Error(`The pool had no connection within ${patienceMs} ms.`))
    }, patienceMs)
    pool.getConnection((error, connection) => {
      clearTimeout(timer)
      if (error) reject(error)
      else if (isAwaited) resolve(connection)
      else connection.release()
    })
  })
}
