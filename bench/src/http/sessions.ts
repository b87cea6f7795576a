import { createHmac, randomBytes } from 'node:crypto'
import { betterAuth } from 'better-auth'
import { getMigrations } from 'better-auth/db/migration'
import pg from 'pg'

/** The default of better-auth: a cookie names a session, and every request reads its row. */
export interface SessionCheck {
  /** One cookie per user. */
  readonly cookies: readonly string[]
  /**
   * Cookies that must be refused: a changed name, a signature of another secret, an ended session.
   */
  readonly bad: readonly string[]
  /** Resolves to the ID of the user. Rejects when there is no such session. */
  check(headers: Headers): Promise<string>
}

const secret = randomBytes(32).toString('base64')
const dayMs = 86_400_000

export async function createSessionCheck(databaseUrl: string, subjects: readonly string[]): Promise<SessionCheck> {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 10 })
  await pool.query('drop table if exists session, account, verification, "user" cascade')
  const auth = betterAuth({
    database: pool,
    secret,
    baseURL: 'http://127.0.0.1',
    telemetry: { enabled: false },
    emailAndPassword: { enabled: true },
    rateLimit: { enabled: false },
  })
  const { runMigrations } = await getMigrations(auth.options)
  await runMigrations()
  const names = subjects.map(() => randomBytes(24).toString('base64url'))
  const ended = randomBytes(24).toString('base64url')
  await pool.query(
    `insert into "user" (id, name, email, "emailVerified", "createdAt", "updatedAt")
     select id, id, id || '@example.com', true, now(), now() from unnest($1::text[]) as id`,
    [subjects],
  )
  const insertSessions = `insert into session (id, token, "userId", "expiresAt", "createdAt", "updatedAt")
    select token, token, "userId", $3, now(), now() from unnest($1::text[], $2::text[]) as s (token, "userId")`
  await pool.query(insertSessions, [names, subjects, new Date(Date.now() + dayMs)])
  await pool.query(insertSessions, [[ended], [subjects[0]], new Date(Date.now() - dayMs)])
  const [first = ''] = names
  return {
    cookies: names.map((name) => cookieOf(name, secret)),
    bad: [cookieOf(first, secret).replace(first, `${first}x`), cookieOf(first, 'another'), cookieOf(ended, secret)],
    check: async (headers) => {
      const session = await auth.api.getSession({ headers })
      if (session === null) throw new Error('no session')
      return session.user.id
    },
  }
}

function cookieOf(name: string, key: string): string {
  const signature = createHmac('sha256', key).update(name).digest('base64')
  return `better-auth.session_token=${encodeURIComponent(`${name}.${signature}`)}`
}
