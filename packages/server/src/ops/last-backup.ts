import type { SqlClient } from 'latchkey/sql'

/** Records that a backup is complete. The backup itself does not contain the record. */
export async function recordBackup(client: SqlClient, nowMs: number): Promise<void> {
  await client.query(
    `insert into server_backups (name, at) values ('last', $1) on conflict (name) do update set at = excluded.at`,
    [nowMs],
  )
}

/** Returns when the last recorded backup was completed; `undefined` if none was. */
export async function readLastBackup(client: SqlClient): Promise<number | undefined> {
  const { rows } = await client.query<{ at: number | string }>(`select at from server_backups where name = 'last'`)
  return rows.map(({ at }) => Number(at))[0]
}
