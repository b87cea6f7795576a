import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { hash as bcrypt } from '@node-rs/bcrypt'
import { type BetterAuthOptions, betterAuth } from 'better-auth'
import { getMigrations } from 'better-auth/db/migration'
import pg from 'pg'
import { describe, expect, it, onTestFinished } from 'vitest'
import { requireProgram } from './support/installed-program.js'
import { blocksLeftOut, Page } from './support/page.js'
import { createDeployment, openStore, startServer } from './support/server-process.js'
import { createTestDatabase } from './support/test-database.js'

const page = Page.at('docs/guides/import-users.md')
const latchkeyCommand = fileURLToPath(new URL('../packages/server/bin/latchkey.js', import.meta.url))

/** A folder in which a reader of the page works, with a server that is not started yet. */
interface Workplace {
  readonly deployment: Awaited<ReturnType<typeof createDeployment>>
  /** Writes a file of the service. */
  write(name: string, text: string): void
  /** Saves the script of a section, runs its commands, and returns their output. */
  follow(section: string, env?: Readonly<Record<string, string>>): Promise<string>
}

async function createWorkplace(): Promise<Workplace> {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-import-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const deployment = await createDeployment('sqlite')
  onTestFinished(() => deployment.dispose())
  const programs = join(folder, 'bin')
  mkdirSync(programs)
  symlinkSync(latchkeyCommand, join(programs, 'latchkey'))
  const path = [programs, dirname(process.execPath), process.env.PATH].join(delimiter)
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text)
  return {
    deployment,
    write,
    follow: async (section, env = {}) => {
      if (section !== 'Supabase') write(`${section.toLowerCase()}.mjs`, page.take('js', section).join('\n'))
      const commands = page.take('sh', section).join('\n')
      const options = { cwd: folder, env: { ...deployment.env, ...env, PATH: path } }
      return (await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', commands], options)).stdout
    },
  }
}

interface Stored {
  readonly id: string
  readonly name: string | null
  readonly password_hash: string
  readonly disabled_at: number | null
  readonly email_verified_at: number | null
}

/** The sign-ins at a server of the deployment, and the rows of its accounts. */
async function open({ deployment }: Workplace) {
  const server = await startServer(deployment)
  onTestFinished(async () => {
    await server.stop()
  })
  const store = openStore(deployment)
  onTestFinished(() => store.close())
  return {
    signIn: async (email: string, password: string): Promise<string | number> => {
      const response = await fetch(`${server.url}/v1/login`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ email, password }),
      })
      return response.ok ? response.status : ((await response.json()) as { code: string }).code
    },
    accountOf: async (email: string) => {
      const { rows } = await store.query<Stored>('select * from server_accounts where email = $1', [email])
      return rows[0]
    },
  }
}

type Opened = Awaited<ReturnType<typeof open>>

/** Shows that the old password alone signs in, and that Argon2id replaces the hash. */
async function expectUpgrade({ signIn, accountOf }: Opened, email: string, password: string): Promise<void> {
  const imported = await accountOf(email)
  expect(imported?.password_hash).not.toMatch(/^$|^\$argon2id/)
  expect(await signIn(email, `${password}1`)).toBe('invalid_credentials')
  expect(await accountOf(email)).toMatchObject({ password_hash: imported?.password_hash })
  expect(await signIn(email, password)).toBe(200)
  expect((await accountOf(email))?.password_hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
  expect(await signIn(email, password)).toBe(200)
  expect(await signIn(email, `${password}1`)).toBe('invalid_credentials')
}

const firebaseUser = {
  password: 'user1password',
  salt: '42xEC+ixf3L2lw==',
  passwordHash: 'lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==',
}

describe('users of', () => {
  it('Supabase keep their IDs and passwords, also those that came from Firebase', async () => {
    requireProgram('psql', 'postgresql-client')
    const { url, drop } = await createTestDatabase()
    onTestFinished(drop)
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    await client.query(`
      create schema auth;
      create table auth.users (
        id uuid primary key, email varchar(255), encrypted_password varchar(255),
        email_confirmed_at timestamptz, last_sign_in_at timestamptz, created_at timestamptz,
        raw_user_meta_data jsonb, banned_until timestamptz, deleted_at timestamptz,
        is_sso_user boolean not null default false
      )`)
    const bcrypted = (await bcrypt('hunter2 again', { cost: 10 })).replace('$2b$', '$2a$')
    const [parameters] = page.take('json', 'Firebase').map((text) => JSON.parse(text))
    const fromFirebase = `$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,sk=${parameters.base64_signer_key}$${firebaseUser.salt}$${firebaseUser.passwordHash}`
    const id = '7d9b4f4e-0c7a-4c1b-9b0e-2f3f4a5b6c7d'
    const add = `insert into auth.users (id, email, encrypted_password, email_confirmed_at, created_at,
      raw_user_meta_data, banned_until, deleted_at, is_sso_user) values ($1, $2, $3, now(), now(), $4, $5, $6, $7)`
    const people = [
      [id, 'ada@supabase.test', bcrypted, { name: 'Ada, "L"' }, null, null, false],
      [id.replace('7d', '8d'), 'fire@supabase.test', fromFirebase, {}, '2020-01-01', null, false],
      [id.replace('7d', '9d'), 'banned@supabase.test', bcrypted, {}, 'infinity', null, false],
      [id.replace('7d', 'ad'), 'deleted@supabase.test', bcrypted, {}, null, '2020-01-01', false],
      [id.replace('7d', 'bd'), 'sso@supabase.test', null, {}, null, null, true],
      [id.replace('7d', 'cd'), null, bcrypted, {}, null, null, false],
      [id.replace('7d', 'dd'), 'google@supabase.test', '', {}, null, null, false],
    ]
    for (const person of people) await client.query(add, person)
    await client.end()

    const place = await createWorkplace()
    expect(await place.follow('Supabase', { SUPABASE_URL: url })).toMatch(/^4 users imported/m)
    const opened = await open(place)
    expect(await opened.accountOf('ada@supabase.test')).toMatchObject({ id, name: 'Ada, "L"', disabled_at: null })
    await expectUpgrade(opened, 'ada@supabase.test', 'hunter2 again')
    await expectUpgrade(opened, 'fire@supabase.test', firebaseUser.password)
    expect(await opened.signIn('banned@supabase.test', 'hunter2 again')).not.toBe(200)
    expect(await opened.signIn('google@supabase.test', '')).not.toBe(200)
    expect(await opened.accountOf('google@supabase.test')).toMatchObject({ password_hash: '' })
  })

  it('better-auth keep their passwords, in each spelling that it accepts', async () => {
    requireProgram('psql', 'postgresql-client')
    const { url, drop } = await createTestDatabase()
    onTestFinished(drop)
    const pool = new pg.Pool({ connectionString: url })
    const options: BetterAuthOptions = {
      database: pool,
      baseURL: 'http://localhost',
      secret: 'a secret of at least thirty-two bytes',
      emailAndPassword: { enabled: true },
      telemetry: { enabled: false },
    }
    await (await getMigrations(options)).runMigrations()
    const { api } = betterAuth(options)
    await api.signUpEmail({ body: { email: 'ada@better.test', name: "Ada O'Hara", password: 'correct horse' } })
    await api.signUpEmail({ body: { email: 'wide@better.test', name: 'Wide', password: 'ﬁne １２３４５' } })
    await pool.query(`insert into "user" (id, email, name, "emailVerified", "createdAt", "updatedAt")
      values ('social', 'google@better.test', 'G', true, now(), now())`)
    await pool.end()

    const place = await createWorkplace()
    expect(await place.follow('better-auth', { BETTER_AUTH_URL: url })).toMatch(/^3 users imported/m)
    const opened = await open(place)
    expect(await opened.accountOf('ada@better.test')).toMatchObject({ name: "Ada O'Hara", email_verified_at: null })
    expect((await opened.accountOf('google@better.test'))?.email_verified_at).not.toBeNull()
    await expectUpgrade(opened, 'ada@better.test', 'correct horse')
    await expectUpgrade(opened, 'wide@better.test', 'ﬁne １２３４５')
  })

  it('Auth0 keep their passwords, and those who are blocked stay out', async () => {
    const place = await createWorkplace()
    const [first, second] = ['5dea9f9c82dd7c0e76e4ec93', '5dea9f9c82dd7c0e76e4ec94']
    const passwordHash = await bcrypt('correct horse', { cost: 10 })
    const created_at = '2019-12-06T18:36:12.412Z'
    const lines = (objects: readonly object[]) => objects.map((object) => `${JSON.stringify(object)}\n`).join('')
    place.write(
      'hashes.ndjson',
      lines([
        { _id: { $oid: first }, email: 'ada@auth0.test', passwordHash, password_set_date: { $date: created_at } },
        { _id: { $oid: second }, alt_id: 'euclid', identifiers: [{ type: 'email' }], passwordHash },
        { _id: { $oid: 'blocked' }, email: 'blocked@auth0.test', passwordHash },
      ]),
    )
    place.write(
      'users.ndjson',
      lines([
        { user_id: `auth0|${first}`, email: 'ada@auth0.test', name: 'Ada', email_verified: true, created_at },
        { user_id: 'auth0|euclid', email: 'euclid@auth0.test', email_verified: false, last_login: created_at },
        { user_id: 'auth0|blocked', email: 'blocked@auth0.test', email_verified: true, blocked: true },
        { user_id: 'auth0|none', email: 'none@auth0.test', email_verified: false },
      ]),
    )
    expect(await place.follow('Auth0')).toMatch(/^4 users imported/m)
    const opened = await open(place)
    expect((await opened.accountOf('ada@auth0.test'))?.email_verified_at).not.toBeNull()
    await expectUpgrade(opened, 'ada@auth0.test', 'correct horse')
    await expectUpgrade(opened, 'euclid@auth0.test', 'correct horse')
    expect(await opened.signIn('blocked@auth0.test', 'correct horse')).not.toBe(200)
    expect(await opened.accountOf('none@auth0.test')).toMatchObject({ password_hash: '' })
  })

  it('Firebase keep their passwords, with the parameters of their project', async () => {
    const place = await createWorkplace()
    const { salt, passwordHash } = firebaseUser
    const times = { createdAt: '1486324445000', lastSignedInAt: '1486924445000' }
    const users = [
      {
        localId: 'u1',
        email: 'ada@firebase.test',
        emailVerified: true,
        passwordHash,
        salt,
        displayName: 'Ada',
        ...times,
      },
      { localId: 'u2', email: 'out@firebase.test', emailVerified: false, passwordHash, salt, ...times, disabled: true },
      { localId: 'u3', email: 'google@firebase.test', emailVerified: true, ...times, providerUserInfo: [] },
      { localId: 'u4', phoneNumber: '+15555550100', ...times, providerUserInfo: [] },
    ]
    place.write('users.json', JSON.stringify({ users }, null, 2))
    place.write('parameters.json', page.take('json', 'Firebase').join(''))
    expect(await place.follow('Firebase')).toMatch(/^3 users imported/m)
    const opened = await open(place)
    expect(await opened.accountOf('ada@firebase.test')).toMatchObject({ name: 'Ada', disabled_at: null })
    await expectUpgrade(opened, 'ada@firebase.test', firebaseUser.password)
    expect(await opened.signIn('out@firebase.test', firebaseUser.password)).not.toBe(200)
    expect(await opened.accountOf('google@firebase.test')).toMatchObject({ password_hash: '' })
  })
})

describe('docs/guides/import-users.md', () => {
  it('has no block that these tests leave out', () => {
    expect(blocksLeftOut('docs/guides/import-users.md')).toEqual([])
  })
})
