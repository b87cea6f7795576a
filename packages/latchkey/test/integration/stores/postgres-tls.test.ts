import { execFileSync } from 'node:child_process'
import { chownSync, copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { requireProgram } from '../../../../../test/support/installed-program.js'
import { serverUser } from '../../../../../test/support/postgres-binaries.js'
import { type PostgresServer, startPostgres } from '../../../../../test/support/start-postgres.js'
import { postgresStore } from '../../../src/stores/postgres/index.js'
import { addSecret, read } from '../../../src/testing/store-contract/fixtures.js'
import { Recorder } from '../../../src/testing/store-contract/recorder.js'

let folder: string
let server: PostgresServer

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'latchkey-tls-'))
  for (const name of ['server', 'stranger']) createCertificate(name)
  const user = serverUser()
  // PostgreSQL requires that it owns its key and that no other user can read it.
  if (user !== undefined) for (const path of [folder, keyOf('server')]) chownSync(path, user.uid, user.gid)
  const settings = ['ssl=on', `ssl_cert_file=${certificateOf('server')}`, `ssl_key_file=${keyOf('server')}`]
  server = await startPostgres(undefined, settings)
})

afterAll(async () => {
  await server?.dispose()
  if (folder !== undefined) rmSync(folder, { recursive: true })
})

const certificateOf = (name: string) => join(folder, `${name}.crt`)
const keyOf = (name: string) => join(folder, `${name}.key`)

function createCertificate(name: string): void {
  requireProgram('openssl', 'openssl')
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1']
  execFileSync('openssl', [...request, ...subject, '-keyout', keyOf(name), '-out', certificateOf(name)], {
    stdio: 'pipe',
  })
}

function openTrusting(name: string) {
  return postgresStore({ connectionString: `${server.url}?sslmode=verify-full&sslrootcert=${certificateOf(name)}` })
}

describe('a PostgreSQL store over TLS', () => {
  it('reads, writes and listens only through encrypted connections', async () => {
    const store = openTrusting('server')
    try {
      await store.migrate()
      const { recorder, feed } = await Recorder.on(store, 20)
      await store.change('alice', addSecret)
      await recorder.proof()
      expect(recorder.changes).toHaveLength(1)
      expect(await read(store, 'alice')).toBeDefined()
      const { rows } = await store.query<{ name: string; ssl: boolean }>(
        `select application_name as name, ssl from pg_stat_activity join pg_stat_ssl using (pid) where application_name like 'latchkey%'`,
      )
      expect(new Set(rows.map(({ name }) => name))).toEqual(new Set(['latchkey', 'latchkey_feed']))
      expect(rows.every(({ ssl }) => ssl)).toBe(true)
      await feed.close()
    } finally {
      await store.close()
    }
  })

  it('refuses a server whose certificate is not signed by the trusted CA', async () => {
    const store = openTrusting('stranger')
    await expect(store.migrate()).rejects.toMatchObject({ code: 'store_unavailable' })
    await store.close()
  })

  it('is unavailable while the file of its CA is missing, also for callers that wait for a connection', async () => {
    const path = certificateOf('moved')
    copyFileSync(certificateOf('server'), path)
    const store = postgresStore({
      connectionString: `${server.url}?sslmode=verify-full&sslrootcert=${path}`,
      max: 1,
    })
    try {
      const sleeping = store.query('select pg_sleep(60)').catch((error: unknown) => error)
      await expect.poll(() => sleepers()).toBe(1)
      const waiting = store.query('select 1').catch((error: unknown) => error)
      rmSync(path)
      await onServer("select pg_terminate_backend(pid) from pg_stat_activity where query like 'select pg_sleep%'")
      expect(await sleeping).toMatchObject({ code: 'store_unavailable' })
      expect(await waiting).toMatchObject({ code: 'store_unavailable' })
      await expect(store.query('select 1')).rejects.toMatchObject({ code: 'store_unavailable' })
      copyFileSync(certificateOf('server'), path)
      expect((await store.query('select 1 as one')).rows).toEqual([{ one: 1 }])
    } finally {
      await store.close()
    }
  })
})

async function onServer(text: string): Promise<pg.QueryResult> {
  const client = new pg.Client(server.url)
  await client.connect()
  try {
    return await client.query(text)
  } finally {
    await client.end()
  }
}

async function sleepers(): Promise<number> {
  const { rowCount } = await onServer(
    "select 1 from pg_stat_activity where query like 'select pg_sleep%' and state = 'active'",
  )
  return rowCount ?? 0
}
