import type { SqlClient } from 'latchkey/sqlite'
import { uuidV7 } from '../uuid.js'

/** What can be found in the audit log. A name is never changed, a retired one never reused. */
export type AuditEvent =
  | 'register'
  | 'login'
  | 'logout'
  | 'logout_all'
  | 'session_end'
  | 'refresh_reuse'
  | 'password_change'
  | 'profile_change'
  | 'account_delete'
  | 'account_disable'
  | 'account_enable'
  | 'role_change'
  | 'secret_rotate'
  | 'secret_revoke'

/** One thing that happened. */
export interface AuditEntry {
  readonly event: AuditEvent
  readonly outcome: 'done' | 'refused'
  /** The account that acted; `null` for nobody known, `cli` for the operator at the command line. */
  readonly actor: string | null
  /** The account that it happened to. */
  readonly account: string | null
  readonly session?: string | undefined
  /** Where the request came from. */
  readonly address: string | null
}

/** One thing that happened, as the log keeps it. */
export interface AuditRecord extends Omit<AuditEntry, 'session'> {
  readonly id: string
  /** Milliseconds since 1970. */
  readonly at: number
  readonly session: string | null
}

/** A page of the log: what came just before `before`, newest first. */
export interface AuditQuery {
  readonly account: string | undefined
  readonly before: string | undefined
  readonly limit: number
}

// Sorts after every UUID of version 7 that this century will see.
const endOfTime = 'ffffffff-ffff-7fff-bfff-ffffffffffff'

/** Adds to the log; in the caller's transaction, so that what happened and its record stand or fall together. */
export async function appendAudit(client: SqlClient, nowMs: number, entry: AuditEntry): Promise<void> {
  await client.query(
    `insert into server_audit (id, at, event, outcome, actor, account_id, session_id, address)
     values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [
      uuidV7(nowMs),
      nowMs,
      entry.event,
      entry.outcome,
      entry.actor,
      entry.account,
      entry.session ?? null,
      entry.address,
    ],
  )
}

/** Reads the log, newest first. */
export async function readAudit(client: SqlClient, query: AuditQuery): Promise<AuditRecord[]> {
  const before = query.before ?? endOfTime
  const columns = 'id, at, event, outcome, actor, account_id as account, session_id as session, address'
  const { rows } =
    query.account === undefined
      ? await client.query<AuditRecord>(`select ${columns} from server_audit where id < $1 order by id desc limit $2`, [
          before,
          query.limit,
        ])
      : await client.query<AuditRecord>(
          `select ${columns} from server_audit where id < $1 and account_id = $3 order by id desc limit $2`,
          [before, query.limit, query.account],
        )
  return rows
}
