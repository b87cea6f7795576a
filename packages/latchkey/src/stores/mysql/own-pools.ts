import mysql from 'mysql2'
import type { ConnectionString } from '../sql/connection-string.js'
import { lendConnection } from './lend-connection.js'
import type { LentConnection, MysqlSource } from './mysql-database.js'
import { socketOf } from './mysql2.js'

const connectTimeoutMs = 5000

/** A pool of connections that were opened with one connection string. */
interface OwnPool {
  readonly address: string
  readonly pool: mysql.Pool
  lent: number
}

/**
 * The connections of a store with a connection string. When the string has changed, a new pool
 * replaces the old one, which ends once all its connections were given back.
 */
export class OwnPools implements MysqlSource {
  readonly max: number
  readonly isOwn = true
  readonly #address: ConnectionString
  #current: OwnPool | undefined

  constructor(address: ConnectionString, max: number) {
    this.#address = address
    this.max = max
  }

  async lend(): Promise<LentConnection> {
    const used = this.#address.current
    try {
      return await this.#lendFrom(this.#poolOf(used))
    } catch (error) {
      if (!this.#address.hasChanged(used, error)) throw error
      return this.#lendFrom(this.#poolOf(this.#address.current))
    }
  }

  async close(): Promise<void> {
    if (this.#current !== undefined) await end(this.#current.pool)
  }

  #poolOf(address: string): OwnPool {
    const before = this.#current
    if (before?.address === address) return before
    const options = { uri: address, connectionLimit: this.max, connectTimeout: connectTimeoutMs }
    this.#current = { address, pool: mysql.createPool({ ...options, supportBigNumbers: true }), lent: 0 }
    if (before?.lent === 0) void end(before.pool)
    return this.#current
  }

  async #lendFrom(own: OwnPool): Promise<LentConnection> {
    own.lent += 1
    try {
      const connection = await lendConnection(own.pool)
      socketOf(connection)?.ref()
      return { connection, giveBack: (isBroken) => this.#takeBack(own, connection, isBroken) }
    } catch (error) {
      this.#countBack(own)
      throw error
    }
  }

  #takeBack(own: OwnPool, connection: LentConnection['connection'], isBroken: boolean): void {
    if (isBroken) connection.destroy()
    else {
      // An idle connection must not keep the process running.
      socketOf(connection)?.unref()
      connection.release()
    }
    this.#countBack(own)
  }

  #countBack(own: OwnPool): void {
    own.lent -= 1
    if (own.lent === 0 && own !== this.#current) void end(own.pool)
  }
}

/** Connections that fail while they are closed are closed all the same. */
function end(pool: mysql.Pool): Promise<void> {
  return new Promise((resolve) => pool.end(() => resolve()))
}
