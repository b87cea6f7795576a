import pg from 'pg'
import type { PostgresQuery } from './postgres-client.js'

const int8 = 20

/**
 * Parses a bigint as a number, where `pg` would return text: times and counts are far below 2^53.
 * The other types are parsed as the driver does.
 */
export const types: NonNullable<PostgresQuery['types']> = {
  getTypeParser: (typeId, format) => (typeId === int8 ? Number : pg.types.getTypeParser(typeId, format)),
}
