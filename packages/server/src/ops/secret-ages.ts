import type { SqlClient } from 'latchkey/sqlite'

const dayMs = 86_400_000

/** Upper ends of the classes, in days; what is older has a class of its own. */
const bounds = [1, 7, 30, 90, 365] as const

/** How many secrets sign, by how long ago they were made. */
export interface SecretAges {
  readonly age: string
  readonly count: number
}

/** Counts them. It reads all secrets, so it is for now and then. */
export async function countSecretsByAge(client: SqlClient, nowMs: number): Promise<SecretAges[]> {
  const ends = bounds.map((days) => nowMs - days * dayMs)
  const columns = ends.map((end, at) => {
    const upper = at === 0 ? 'true' : `created_at <= ${ends[at - 1]}`
    return `count(case when ${upper} and created_at > ${end} then 1 end) as class${at}`
  })
  const { rows } = await client.query<Record<string, number>>(
    `select ${columns.join(', ')}, count(case when created_at <= ${ends.at(-1)} then 1 end) as older
     from latchkey_secrets where retires_at is null`,
  )
  const counts = rows[0] ?? {}
  const classes = bounds.map((days, at) => ({ age: `${days}d`, count: counts[`class${at}`] ?? 0 }))
  return [...classes, { age: 'older', count: counts.older ?? 0 }]
}
