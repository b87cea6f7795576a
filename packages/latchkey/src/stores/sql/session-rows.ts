import type { SessionRecord, StoredSession } from '../../sessions/session-store.js'
import type { Dialect } from './dialect.js'
import type { SqlClient } from './sql-client.js'
import { optionalNumber } from './tenant-rows.js'

interface SessionRow {
  readonly session_id: string
  readonly tenant_id: string
  readonly salt: string
  readonly counter: number | string
  readonly forks: number | string
  readonly is_repeated: number | string
  readonly repeated_run: number | string
  readonly device: string | null
  readonly user_agent: string | null
  readonly address: string | null
  readonly network: string | null
  readonly created_at: number | string
  readonly rotated_at: number | string
  readonly used_at: number | string
  readonly ends_at: number | string
  readonly expires_at: number | string
  readonly ended_at: number | string | null
  readonly grace_uses: number | string
  readonly grace_used_at: number | string | null
  readonly is_revoked: number | string
}

const stored = Object.keys({
  session_id: true,
  tenant_id: true,
  salt: true,
  counter: true,
  forks: true,
  is_repeated: true,
  repeated_run: true,
  device: true,
  user_agent: true,
  address: true,
  network: true,
  created_at: true,
  rotated_at: true,
  used_at: true,
  ends_at: true,
  expires_at: true,
  ended_at: true,
  grace_uses: true,
  grace_used_at: true,
} satisfies Record<Exclude<keyof SessionRow, 'is_revoked'>, true>)

/** The columns of a session that are read from the rows of a client. */
export const sessionColumns: readonly string[] = [...stored, 'is_revoked']

/** A session belongs to the first secret of its tenant at its start. */
const selectSessions = `
  select ${stored.map((name) => `s.${name}`).join(', ')}, case when t.first_kid = s.first_kid then 0 else 1 end as is_revoked
  from latchkey_sessions s join latchkey_tenants t on t.tenant_id = s.tenant_id`

const insertSession = `
  insert into latchkey_sessions (first_kid, ${stored.join(', ')})
  select first_kid, ${stored.map((_, index) => `$${index + 1}`).join(', ')}
  from latchkey_tenants where tenant_id = $${stored.indexOf('tenant_id') + 1} and first_kid <> ''
  returning session_id`

// The statement sees a revocation that was committed before it began. A token that was signed
// before that is ended by a later one.
const updateSession = `
  update latchkey_sessions set counter = $4, forks = $5, is_repeated = $6, repeated_run = $7, device = $8,
    user_agent = $9, address = $10, network = $11, rotated_at = $12, used_at = $13, ends_at = $14,
    grace_uses = grace_uses + $15, grace_used_at = $16
  where session_id = $1 and counter = $2 and is_repeated = $3 and ended_at is null
    and first_kid = (select first_kid from latchkey_tenants t where t.tenant_id = latchkey_sessions.tenant_id)
  returning session_id`

/** See `SessionStore.addSession`. */
export async function addSession(client: SqlClient, session: SessionRecord): Promise<boolean> {
  const { rows } = await client.query(insertSession, [
    session.id,
    session.subject,
    session.salt,
    session.counter,
    session.forks,
    session.isRepeated ? 1 : 0,
    session.repeatedRun,
    session.device,
    session.userAgent,
    session.address,
    session.network,
    session.createdAt,
    session.rotatedAt,
    session.usedAt,
    session.endsAt,
    session.expiresAt,
    session.endedAt,
    session.graceUses,
    session.graceUsedAt,
  ])
  return rows.length > 0
}

/** See `SessionStore.readSession`. */
export async function readSession(client: SqlClient, id: string): Promise<StoredSession | undefined> {
  const { rows } = await client.query<SessionRow>(`${selectSessions} where s.session_id = $1`, [id])
  return rows[0] === undefined ? undefined : storedSession(rows[0])
}

/** See `SessionStore.advanceSession`. */
export async function advanceSession(client: SqlClient, before: SessionRecord, after: SessionRecord): Promise<boolean> {
  const { rows } = await client.query(updateSession, [
    before.id,
    before.counter,
    before.isRepeated ? 1 : 0,
    after.counter,
    after.forks,
    after.isRepeated ? 1 : 0,
    after.repeatedRun,
    after.device,
    after.userAgent,
    after.address,
    after.network,
    after.rotatedAt,
    after.usedAt,
    after.endsAt,
    after.graceUses - before.graceUses,
    after.graceUsedAt,
  ])
  return rows.length > 0
}

/** See `SessionStore.listSessions`. */
export async function listSessions(client: SqlClient, subject: string, nowMs: number): Promise<StoredSession[]> {
  const { rows } = await client.query<SessionRow>(
    `${selectSessions} where s.tenant_id = $1 and s.ends_at > $2 and s.ended_at is null and t.first_kid = s.first_kid`,
    [subject, nowMs],
  )
  return rows.map(storedSession)
}

/** See `SessionStore.endSession`. */
export async function endSession(
  client: SqlClient,
  { subject, id, nowMs }: { readonly subject: string; readonly id: string; readonly nowMs: number },
): Promise<boolean> {
  const { rows } = await client.query(
    `update latchkey_sessions set ended_at = $3, ends_at = $3
     where session_id = $1 and tenant_id = $2 and ended_at is null returning session_id`,
    [id, subject, nowMs],
  )
  return rows.length > 0
}

/** See `SessionStore.pruneSessions`. */
export async function pruneSessions(
  client: SqlClient,
  dialect: Dialect,
  { before, limit }: { readonly before: number; readonly limit: number },
): Promise<number> {
  const { least, nowMs, forUpdateUnlocked } = dialect
  const { rows } = await client.query(
    `delete from latchkey_sessions where session_id in (
       select session_id from latchkey_sessions where ends_at < ${least('$1', nowMs)}
       order by ends_at limit $2 ${forUpdateUnlocked})
     returning session_id`,
    [before, limit],
  )
  return rows.length
}

function storedSession(row: SessionRow): StoredSession {
  return {
    id: row.session_id,
    subject: row.tenant_id,
    salt: row.salt,
    counter: Number(row.counter),
    forks: Number(row.forks),
    isRepeated: Number(row.is_repeated) === 1,
    repeatedRun: Number(row.repeated_run),
    device: row.device,
    userAgent: row.user_agent,
    address: row.address,
    network: row.network,
    createdAt: Number(row.created_at),
    rotatedAt: Number(row.rotated_at),
    usedAt: Number(row.used_at),
    endsAt: Number(row.ends_at),
    expiresAt: Number(row.expires_at),
    endedAt: optionalNumber(row.ended_at),
    graceUses: Number(row.grace_uses),
    graceUsedAt: optionalNumber(row.grace_used_at),
    // Fails closed for a value of another kind.
    isRevoked: Number(row.is_revoked) !== 0,
  }
}
