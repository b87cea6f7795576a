import pg from 'pg'
import type { PostgresQuery } from './postgres-client.js'

const int8 = 20

/** `pg` gives a bigint as text; times and counts are far below 2^53. Everything else is parsed as the driver does. */
export const types: NonNullable<PostgresQuery['types']> = {
  getTypeParser: (typeId, format) => (typeId === int8 ? Number : pg.types.getTypeParser(typeId, format)),
}
