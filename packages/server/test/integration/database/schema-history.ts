import type { MigrationSet, SqlStore } from 'latchkey/sql'

/** The values of a row, by column. */
export type Row = Readonly<Record<string, string | number>>

interface Column {
  readonly table: string
  readonly name: string
  readonly type: string
}

const tablesToFill = /^(server_\w+|latchkey_tenants)$/

/**
 * Columns that stay empty: the master keys that they name must exist, and a tenant that was deleted
 * takes no change.
 */
const emptyColumn = /^(grants_|forgotten_)/

/**
 * Inserts a row into every table, and returns the rows. Every text has the same value, and so has
 * every number, so that references between tables hold once the referenced table has its row.
 */
export async function fillTables(store: SqlStore): Promise<ReadonlyMap<string, Row>> {
  const columns = (await columnsOf(store)).filter(
    ({ table, name }) => tablesToFill.test(table) && !emptyColumn.test(name),
  )
  let left = [...new Set(columns.map(({ table }) => table))]
  const filled = new Map<string, Row>()
  while (left.length > 0) {
    const before = left.length
    for (const table of left) {
      const row = Object.fromEntries(
        columns
          .filter((column) => column.table === table)
          .map(({ name, type }) => [name, /text|char/i.test(type) ? 'seed' : 1]),
      )
      if (await insert(store, table, row)) filled.set(table, row)
    }
    left = left.filter((table) => !filled.has(table))
    if (left.length === before) throw new Error(`No row can be put into ${left.join(', ')}.`)
  }
  return filled
}

async function insert(store: SqlStore, table: string, row: Row): Promise<boolean> {
  const names = Object.keys(row)
  const places = names.map((_, index) => `$${index + 1}`)
  const statement = `insert into ${table} (${names.join(', ')}) values (${places.join(', ')})`
  return store.query(statement, Object.values(row)).then(
    () => true,
    () => false,
  )
}

/** Reads the columns of a row that still exist; `undefined` when the row or its table is gone. */
export async function readBack(store: SqlStore, table: string, row: Row): Promise<Row | undefined> {
  const names = (await columnsOf(store)).filter((column) => column.table === table).map(({ name }) => name)
  const kept = Object.keys(row).filter((name) => names.includes(name))
  if (kept.length === 0) return undefined
  const { rows } = await store.query<Record<string, string | number>>(`select ${kept.join(', ')} from ${table}`)
  const [found] = rows
  if (found === undefined) return undefined
  return Object.fromEntries(
    Object.entries(found).map(([name, value]) => [name, row[name] === 1 ? Number(value) : value]),
  )
}

async function columnsOf(store: SqlStore): Promise<readonly Column[]> {
  const { rows } = await store.query<Column>(
    store.dialect === 'postgres'
      ? `select table_name as "table", column_name as name, data_type as type from information_schema.columns where table_schema = 'public'`
      : `select t.name as "table", c.name as name, c.type as type from sqlite_master t, pragma_table_info(t.name) c where t.type = 'table'`,
  )
  return rows
}

/**
 * Returns the statements of later migrations that would break a program of an earlier version, as
 * `name: statement`.
 */
export function destructiveStatements({ migrations }: MigrationSet, from: number): readonly string[] {
  return migrations.slice(from).flatMap(({ name, sql }) =>
    sql
      .split(';')
      .map((statement) => statement.replaceAll(/\s+/g, ' ').trim())
      .filter(isDestructive)
      .map((statement) => `${name}: ${statement}`),
  )
}

function isDestructive(statement: string): boolean {
  if (/^(create (table|(unique )?index)|insert into) /i.test(statement)) {
    // A unique index may reject rows that older programs write.
    return /^create unique index /i.test(statement)
  }
  const added = /^alter table \w+ add column \w+ (.*)$/i.exec(statement)?.[1]
  if (added !== undefined) return /not null/i.test(added) && !/default/i.test(added)
  return statement !== ''
}
