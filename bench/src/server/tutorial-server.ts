/**
 * The server that tutorials teach, written for this bench: Express, jsonwebtoken, Argon2id, a
 * column with the version of a user's tokens that every request reads, and refresh tokens in a
 * table, each of which is replaced when it is used.
 */
import { createHash, createSecretKey, randomBytes, randomUUID } from 'node:crypto'
import { hash, verify } from '@node-rs/argon2'
import express from 'express'
import jsonwebtoken from 'jsonwebtoken'
import pg from 'pg'
import { accessTokenTtlSec, argonCost, peerEnvironment, poolSize } from './settings.js'
import { stubbedCompare, stubbedHash } from './stubbed-hash.js'

interface User {
  readonly id: string
  readonly email: string
  readonly password_hash: string
  readonly token_version: number
}

const { PORT, DATABASE_URL, SECRET, HASH } = peerEnvironment()
const refreshTtlDays = 7
const pool = new pg.Pool({ connectionString: DATABASE_URL, max: poolSize })
// A key object, because jsonwebtoken takes long to recognise a secret that is a text.
const key = createSecretKey(Buffer.from(SECRET))
const [hashPassword, comparePassword] =
  HASH === 'stubbed'
    ? [stubbedHash, stubbedCompare]
    : [(text: string) => hash(text, argonCost), (text: string, phc: string) => verify(phc, text)]

await pool.query(`
  create table if not exists users (
    id uuid primary key,
    email text not null unique,
    password_hash text not null,
    token_version integer not null default 0,
    created_at timestamptz not null default now()
  );
  create table if not exists refresh_tokens (
    hash text primary key,
    user_id uuid not null references users on delete cascade,
    expires_at timestamptz not null,
    revoked_at timestamptz,
    created_by_ip text
  );
  create index if not exists refresh_tokens_user on refresh_tokens (user_id)`)

const app = express()
app.set('trust proxy', 'loopback')
app.use(express.json())
app.get('/ready', async (_req, res) => {
  await pool.query('select 1')
  res.json({ ready: true })
})

app.post('/sign-up', async (req, res) => {
  const { email, password } = credentialsOf(req)
  const values = [randomUUID(), email.toLowerCase(), await hashPassword(password)]
  const { rows } = await pool.query<User>(
    'insert into users (id, email, password_hash) values ($1, $2, $3) on conflict do nothing returning *',
    values,
  )
  const [user] = rows
  if (user === undefined) res.status(409).json({ error: 'email taken' })
  else res.status(201).json(await openSession(user, req.ip))
})

app.post('/sign-in', async (req, res) => {
  const { email, password } = credentialsOf(req)
  const { rows } = await pool.query<User>('select * from users where email = $1', [email.toLowerCase()])
  const [user] = rows
  if (user === undefined || !(await comparePassword(password, user.password_hash))) {
    res.status(401).json({ error: 'wrong e-mail address or password' })
    return
  }
  await removeExpired(user.id)
  res.json(await openSession(user, req.ip))
})

app.post('/refresh', async (req, res) => {
  const hashed = hashOf(tokenOf(req))
  const { rows } = await pool.query<User & { readonly revoked_at: Date | null }>(
    `select users.*, revoked_at from refresh_tokens join users on users.id = user_id
     where hash = $1 and expires_at > now()`,
    [hashed],
  )
  const [user] = rows
  if (user !== undefined && user.revoked_at !== null) await revokeAll(user.id)
  if (user === undefined || user.revoked_at !== null || !(await revoke(hashed))) {
    res.status(401).json({ error: 'invalid refresh token' })
    return
  }
  await removeExpired(user.id)
  res.json(await openSession(user, req.ip))
})

app.post('/sign-out', async (req, res) => {
  await revoke(hashOf(tokenOf(req)))
  res.status(204).end()
})

app.post('/sign-out-everywhere', authenticate, async (_req, res) => {
  await revokeAll(userOf(res).id)
  res.status(204).end()
})

app.get('/me', authenticate, (_req, res) => {
  const { id, email } = userOf(res)
  res.json({ id, email })
})

app.listen(Number(PORT), '127.0.0.1')

/** Accepts a request whose token has the version of the user's row. */
async function authenticate(req: express.Request, res: express.Response, next: express.NextFunction): Promise<void> {
  const user = await userWithToken(req.headers.authorization?.replace(/^Bearer /, '') ?? '')
  if (user === undefined) {
    res.status(401).json({ error: 'invalid token' })
    return
  }
  res.locals.user = user
  next()
}

async function userWithToken(token: string): Promise<User | undefined> {
  try {
    const claims = jsonwebtoken.verify(token, key, { algorithms: ['HS256'] })
    if (typeof claims === 'string') return undefined
    const { rows } = await pool.query<User>('select * from users where id = $1', [claims.sub])
    return rows[0]?.token_version === claims.ver ? rows[0] : undefined
  } catch (error) {
    if (error instanceof jsonwebtoken.JsonWebTokenError) return undefined
    throw error
  }
}

async function openSession(user: User, ip: string | undefined) {
  const refreshToken = randomBytes(40).toString('hex')
  await pool.query(
    `insert into refresh_tokens (hash, user_id, expires_at, created_by_ip)
     values ($1, $2, now() + make_interval(days => $3), $4)`,
    [hashOf(refreshToken), user.id, refreshTtlDays, ip],
  )
  const accessToken = jsonwebtoken.sign({ ver: user.token_version }, key, {
    subject: user.id,
    expiresIn: accessTokenTtlSec,
  })
  return { user: { id: user.id, email: user.email }, accessToken, refreshToken }
}

/** Resolves to whether the token was still valid. */
async function revoke(hashed: string): Promise<boolean> {
  const { rowCount } = await pool.query(
    'update refresh_tokens set revoked_at = now() where hash = $1 and revoked_at is null',
    [hashed],
  )
  return rowCount === 1
}

async function revokeAll(userId: string): Promise<void> {
  await pool.query('update users set token_version = token_version + 1 where id = $1', [userId])
  await pool.query('update refresh_tokens set revoked_at = now() where user_id = $1 and revoked_at is null', [userId])
}

/** Without this, the table would only grow. */
async function removeExpired(userId: string): Promise<void> {
  await pool.query('delete from refresh_tokens where user_id = $1 and expires_at < now()', [userId])
}

function userOf(res: express.Response): User {
  return res.locals.user as User
}

function credentialsOf(req: express.Request): { readonly email: string; readonly password: string } {
  const { email, password } = (req.body ?? {}) as Record<string, unknown>
  return { email: String(email), password: String(password) }
}

function tokenOf(req: express.Request): string {
  return String((req.body as Record<string, unknown> | undefined)?.refreshToken)
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}
