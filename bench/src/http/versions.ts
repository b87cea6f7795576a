import type { KeyObject } from 'node:crypto'
import jsonwebtoken from 'jsonwebtoken'
import pg from 'pg'
import { audience, issuer } from '../population.js'

/** The usual alternative: one secret, and a version in each user's row that every request reads. */
export interface VersionCheck {
  /**
   * Resolves to the subject. Rejects when the token is invalid or its version is not the user's.
   */
  check(token: string): Promise<string>
  close(): Promise<void>
}

export async function createVersionCheck(
  databaseUrl: string,
  subjects: readonly string[],
  key: KeyObject,
): Promise<VersionCheck> {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 10 })
  await pool.query('drop table if exists users')
  await pool.query('create table users (id text primary key, token_version integer not null)')
  await pool.query('insert into users select unnest($1::text[]), 1', [subjects])
  return {
    async check(token) {
      const claims = jsonwebtoken.verify(token, key, { algorithms: ['HS256'], issuer, audience, clockTolerance: 5 })
      if (typeof claims === 'string' || claims.sub === undefined) throw new Error('no subject')
      const { rows } = await pool.query<{ token_version: number }>({
        name: 'version',
        text: 'select token_version from users where id = $1',
        values: [claims.sub],
      })
      if (rows[0]?.token_version !== claims.ver) throw new Error('another version')
      return claims.sub
    },
    close: () => pool.end(),
  }
}
