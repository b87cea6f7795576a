import type { SqlClient, SqlStore } from 'latchkey/sql'

const dayMs = 86_400_000

/** Upper ends of the classes, in days; what is older has a class of its own. */
const bounds = [1, 7, 30, 90, 365] as const

/** Secrets that are looked at. The standard error of a class is then about 1 % of all secrets at most. */
const sampleSize = 2000

/** SQLite keeps no estimate of the rows of a table, so they are counted up to here. */
const maxCounted = 1_000_000

/** How many secrets sign, by how long ago they were made. */
export interface SecretAges {
  readonly age: string
  readonly count: number
}

/**
 * Returns how many secrets of each age sign: exactly for up to 2,000 secrets, else an estimate from the 2,000 with the
 * lowest key IDs. Key IDs are random, so these are a fair sample, and the work is the same for ten million secrets.
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
  // An estimate that lags behind does not make less of what was seen.
  const scale = sampled < sampleSize ? 1 : Math.max(1, (await estimateSecrets(store)) / sampled)
  const count = (column: string) => Math.round(Number(counts[column] ?? 0) * scale)
  const classes = bounds.map((days, at) => ({ age: `${days}d`, count: count(`class${at}`) }))
  return [...classes, { age: 'older', count: count('older') }]
}

/** Returns about how many secrets there are, those that do not sign any more included. */
async function estimateSecrets(store: Pick<SqlStore, 'dialect'> & SqlClient): Promise<number> {
  const { rows } = await store.query<{ count: number | string }>(
    store.dialect === 'postgres'
      ? `select reltuples as count from pg_class where oid = to_regclass('latchkey_secrets')`
      : `select count(*) as count from (select 1 from latchkey_secrets limit ${maxCounted}) as counted`,
  )
  return Number(rows[0]?.count ?? 0)
}
