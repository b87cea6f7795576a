import type { SessionRecord, StoredSession } from '../../sessions/session-store.js'
import type { Dialect } from './dialect.js'
import type { SqlClient } from './sql-client.js'
import { runStatements, type Statements, sumOf, type Written } from './statements.js'
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
export const sessionColumns: readonly string[] = [...stored, 'is_revoked', 'written']

/** A session belongs to the first secret of its tenant at its start. */
const selectSessions = `
  select ${stored.map((name) => `s.${name}`).join(', ')}, case when t.first_kid = s.first_kid then 0 else 1 end as is_revoked
  from latchkey_sessions s join latchkey_tenants t on t.tenant_id = s.tenant_id`

const insertSession = `
  insert into latchkey_sessions (first_kid, ${stored.join(', ')})
  select first_kid, ${stored.map((_, index) => `$${index + 1}`).join(', ')}
  from latchkey_tenants where tenant_id = $${stored.indexOf('tenant_id') + 1} and first_kid <> ''`

// The statement sees a revocation that was committed before it began. A token that was signed
// before that is ended by a later one.
const updateSession = `
  update latchkey_sessions set counter = $4, forks = $5, is_repeated = $6, repeated_run = $7, device = $8,
    user_agent = $9, address = $10, network = $11, rotated_at = $12, used_at = $13, ends_at = $14,
    grace_uses = grace_uses + $15, grace_used_at = $16
  where session_id = $1 and counter = $2 and is_repeated = $3 and ended_at is null
    and first_kid = (select first_kid from latchkey_tenants t where t.tenant_id = latchkey_sessions.tenant_id)`

/** See `SessionStore.addSession`. */
export async function addSession(client: SqlClient, dialect: Dialect, session: SessionRecord): Promise<boolean> {
  const { rows } = await runStatements<Written>(client, dialect.counted(insertSession), [
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
  return sumOf(rows) > 0
}

/** See `SessionStore.readSession`. */
export async function readSession(client: SqlClient, id: string): Promise<StoredSession | undefined> {
  const { rows } = await client.query<SessionRow>(`${selectSessions} where s.session_id = $1`, [id])
  return rows[0] === undefined ? undefined : storedSession(rows[0])
}

/** Returns the statements of `SessionStore.advanceSession`, and their values. */
export function sessionAdvanced(
  { counted }: Dialect,
  before: SessionRecord,
  after: SessionRecord,
): { readonly statements: Statements; readonly values: readonly unknown[] } {
  const values = [
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
  ]
  return { statements: counted(updateSession), values }
}

/**
 * See `SessionStore.listSessions`.
 *
 * @param lock In a transaction, the `lockingRead` of the dialect.
 */
export async function listSessions(
  client: SqlClient,
  { subject, nowMs, lock = '' }: { readonly subject: string; readonly nowMs: number; readonly lock?: string },
): Promise<StoredSession[]> {
  const { rows } = await client.query<SessionRow>(
    `${selectSessions} where s.tenant_id = $1 and s.ends_at > $2 and s.ended_at is null and t.first_kid = s.first_kid ${lock}`,
    [subject, nowMs],
  )
  return rows.map(storedSession)
}

/** See `SessionStore.endSession`. */
export async function endSession(
  client: SqlClient,
  { counted }: Dialect,
  { subject, id, nowMs }: { readonly subject: string; readonly id: string; readonly nowMs: number },
): Promise<boolean> {
  const update = `
    update latchkey_sessions set ended_at = $3, ends_at = $3
    where session_id = $1 and tenant_id = $2 and ended_at is null`
  const { rows } = await runStatements<Written>(client, counted(update), [id, subject, nowMs])
  return sumOf(rows) > 0
}

/** See `SessionStore.pruneSessions`. */
export async function pruneSessions(
  client: SqlClient,
  dialect: Dialect,
  { before, limit }: { readonly before: number; readonly limit: number },
): Promise<number> {
  const { counted, deleteUnlocked, least, nowMs } = dialect
  const due = { table: 'latchkey_sessions', key: ['session_id'], condition: `ends_at < ${least('$1', nowMs)}` }
  const { rows } = await runStatements<Written>(client, counted(deleteUnlocked({ ...due, limit: '$2' })), [
    before,
    limit,
  ])
  return sumOf(rows)
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
