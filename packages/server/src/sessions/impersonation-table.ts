import type { SqlClient } from 'latchkey/sql'

/**
 * An administrator who acts in a session of another account, until its end is in the audit log.
 * Times are milliseconds since 1970.
 */
export interface Impersonation {
  /** The session in which the administrator acts. */
  readonly sessionId: string
  readonly accountId: string
  readonly impersonator: string
  /** The session of the administrator in which it was ordered. */
  readonly impersonatorSession: string
  readonly reason: string
  readonly beganAt: number
  readonly endsAt: number
}

const columns = `session_id as "sessionId", account_id as "accountId", impersonator,
  impersonator_session as "impersonatorSession", reason, began_at as "beganAt", ends_at as "endsAt"`

/** Inserts a new impersonation. */
export async function insertImpersonation(client: SqlClient, impersonation: Impersonation): Promise<void> {
  const { sessionId, accountId, impersonator, impersonatorSession, reason, beganAt, endsAt } = impersonation
  await client.query(
    `insert into server_impersonations
       (session_id, account_id, impersonator, impersonator_session, reason, began_at, ends_at)
     values ($1, $2, $3, $4, $5, $6, $7)`,
    [sessionId, accountId, impersonator, impersonatorSession, reason, beganAt, endsAt],
  )
}

/** Returns all impersonations whose end is not in the audit log yet. */
export async function listImpersonations(client: SqlClient): Promise<Impersonation[]> {
  const { rows } = await client.query<Impersonation>(
    `select ${columns} from server_impersonations order by session_id limit 1000`,
  )
  return rows
}

/** Deletes an impersonation; returns `false` if another process has. */
export async function deleteImpersonation(client: SqlClient, sessionId: string): Promise<boolean> {
  const { rows } = await client.query('delete from server_impersonations where session_id = $1 returning session_id', [
    sessionId,
  ])
  return rows.length === 1
}

/** Follows a session of an administrator that has got another ID. */
export async function moveImpersonations(
  client: SqlClient,
  { from, to }: { readonly from: string; readonly to: string },
): Promise<void> {
  await client.query('update server_impersonations set impersonator_session = $2 where impersonator_session = $1', [
    from,
    to,
  ])
}

/**
 * Returns whether an impersonation may go on: its time is not over, the administrator is still one,
 * with the same live session, and the account is still that of a user.
 */
export async function mayImpersonate(client: SqlClient, sessionId: string, nowMs: number): Promise<boolean> {
  const { rows } = await client.query(
    `select i.session_id from server_impersonations i
       join server_accounts administrator on administrator.id = i.impersonator
         and administrator.role = 'admin' and administrator.disabled_at is null
       join server_sessions own on own.id = i.impersonator_session and own.account_id = i.impersonator
         and own.ended_at is null and own.expires_at > $2
       join server_accounts account on account.id = i.account_id and account.role = 'user'
     where i.session_id = $1 and i.ends_at > $2`,
    [sessionId, nowMs],
  )
  return rows.length === 1
}

/** Returns whether the account has this live session. */
export async function isLiveSession(
  client: SqlClient,
  { id, accountId }: { readonly id: string; readonly accountId: string },
  nowMs: number,
): Promise<boolean> {
  const { rows } = await client.query(
    'select id from server_sessions where id = $1 and account_id = $2 and ended_at is null and expires_at > $3',
    [id, accountId, nowMs],
  )
  return rows.length === 1
}
