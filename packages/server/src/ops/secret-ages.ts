import type { SqlClient, SqlStore } from 'latchkey/sql'

const dayMs = 86_400_000

/** Upper bounds of the classes, in days. Older secrets have a separate class. */
const bounds = [1, 7, 30, 90, 365] as const

/**
 * The size of the sample. The standard error of a class is then at most about 1 % of all secrets.
 */
const sampleSize = 2000

/** SQLite has no estimate of the rows of a table, so they are counted up to this number. */
const maxCounted = 1_000_000

/** The number of signing secrets of one age. */
export interface SecretAges {
  readonly age: string
  readonly count: number
}

/**
 * Returns the number of signing secrets of each age: exact for up to 2,000 secrets, else an
 * estimate from the 2,000 secrets with the lowest key IDs. Key IDs are random, so this is a fair
 * sample, and the work does not grow with the number of secrets.
 */
export async function estimateSecretAges(store: SqlStore, nowMs: number): Promise<SecretAges[]> {
  const ends = bounds.map((days) => nowMs - days * dayMs)
  const columns = ends.map((end, at) => {
    const upper = at === 0 ? 'true' : `created_at <= ${ends[at - 1]}`
    return `count(case when retires_at is null and ${upper} and created_at > ${end} then 1 end) as class${at}`
  })
  const { rows } = await store.query<Record<string, number | string>>(
    `select ${columns.join(', ')}, count(*) as sampled,
       count(case when retires_at is null and created_at <= ${ends.at(-1)} then 1 end) as older
     from (select created_at, retires_at from latchkey_secrets order by kid limit ${sampleSize}) as sample`,
  )
  const counts = rows[0] ?? {}
  const sampled = Number(counts.sampled)
  // An outdated estimate never reduces the counts of the sample.
  const scale = sampled < sampleSize ? 1 : Math.max(1, (await estimateSecrets(store)) / sampled)
  const count = (column: string) => Math.round(Number(counts[column] ?? 0) * scale)
  const classes = bounds.map((days, at) => ({ age: `${days}d`, count: count(`class${at}`) }))
  return [...classes, { age: 'older', count: count('older') }]
}

/** Returns the approximate number of all secrets, including those that no longer sign. */
async function estimateSecrets(store: Pick<SqlStore, 'dialect'> & SqlClient): Promise<number> {
  const { rows } = await store.query<{ count: number | string }>(
    store.dialect === 'postgres'
      ? `select reltuples as count from pg_class where oid = to_regclass('latchkey_secrets')`
      : `select count(*) as count from (select 1 from latchkey_secrets limit ${maxCounted}) as counted`,
  )
  return Number(rows[0]?.count ?? 0)
}
