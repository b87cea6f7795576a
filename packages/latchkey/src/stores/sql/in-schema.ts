import { libraryTables } from './schema.js'

/**
 * Returns the function that names the library's tables in the schema, whose name is quoted already,
 * also inside a text such as `'latchkey_history'` that is cast to `regclass`. The names of indexes
 * begin with that of a table and are left alone: they belong to the schema of their table.
 *
 * Every statement has the schema in it, so that none depends on the `search_path` or the selected
 * database, which belongs to the caller's transaction and which a pooler in transaction mode does
 * not keep.
 */
export function inSchema(schema: string): (statement: string) => string {
  const tables = new RegExp(`\\b(?:${libraryTables().join('|')})\\b`, 'g')
  // The statements are constants.
  const known = new Map<string, string>()
  return (statement) => {
    const before = known.get(statement)
    if (before !== undefined) return before
    const named = statement.replaceAll(tables, (table) => `${schema}.${table}`)
    known.set(statement, named)
    return named
  }
}
