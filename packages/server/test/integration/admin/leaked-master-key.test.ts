import { createHmac, createPrivateKey, randomBytes, sign } from 'node:crypto'
import { createLatchkey, Keyring, remoteJwks, sessionIds } from 'latchkey'
import { RefreshTokens } from 'latchkey/sessions'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { replaceAllKeys } from '../../../src/admin/replace-keys.js'
import { AuditMac } from '../../../src/audit/audit-mac.js'
import { outboxKeyring } from '../../../src/mail/outbox.js'
import { protectionOf } from '../../../src/protection/protection-keys.js'
import { uuidV7 } from '../../../src/uuid.js'
import { newestLetter } from '../../support/letters.js'
import { login, type Person, password, register, tokenState } from '../../support/people.js'
import { databases, startServer, type TestServer } from '../../support/start-server.js'

const segment = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** The secrets in a copy of the database that the master key opens. */
interface Loot {
  key(name: string): Buffer
  readonly secrets: readonly { readonly kid: string; readonly tenant: string; readonly secret: Buffer }[]
  readonly pairs: readonly { readonly kid: string; readonly privateKey: ReturnType<typeof createPrivateKey> }[]
  /** By the ID of their row. */
  readonly letters: ReadonlyMap<string, string>
}

async function steal({ server }: TestServer): Promise<Loot> {
  const { store, database } = server.service
  const ring = Keyring.parse(database.masterKeys)
  const rows = new Map((await store.readSettings()).map((row) => [row.name, row]))
  const key = (name: string) => {
    const row = rows.get(name)
    if (row === undefined) throw new Error(`There is no ${name}.`)
    return ring.open(row, ['setting', name])
  }
  const tenants = await store.readTenants(await store.readDue(Number.MAX_SAFE_INTEGER, '', 1000))
  const secrets = [...tenants.values()].flatMap(({ tenant, secrets }) =>
    secrets.map((one) => {
      const secret = ring.open(one, ['tenant-secret', tenant, one.kid, one.generation, one.algorithm])
      return { kid: one.kid, tenant, secret }
    }),
  )
  const pairs = (await store.readKeyPairs()).map((pair) => {
    const der = ring.open(pair, ['key-pair', pair.kid, pair.algorithm])
    return { kid: pair.kid, privateKey: createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }) }
  })
  const mail = outboxKeyring(key('server:mail-key'))
  const outbox = await store.query<{ id: string; sealed: string }>('select id, sealed from server_outbox')
  const letters = new Map(
    outbox.rows.map(({ id, sealed }) => [
      id,
      mail.open({ masterKeyId: mail.newestId, sealed }, ['mail', id]).toString(),
    ]),
  )
  return { key, secrets, pairs, letters }
}

describe.each(databases)('a thief with the master key and a copy of the database on %s', (database) => {
  let first: TestServer
  let second: TestServer
  let victim: Person
  let loot: Loot
  let link: string

  const now = () => Math.floor(Date.now() / 1000)
  const claims = (audience: string, sid: string) => ({
    iss: first.configuration.issuer,
    sub: victim.id,
    aud: audience,
    exp: now() + 300,
    iat: now(),
    jti: 'x',
    sid,
    role: 'admin',
  })
  const hmacToken = (kid: string, secret: Buffer, sid: string) => {
    const input = `${segment({ alg: 'HS256', typ: 'at+jwt', kid })}.${segment(claims(first.configuration.audience, sid))}`
    return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
  }
  const stolenSid = () => sessionIds(loot.key('server:session-id-key')).mint(victim.id, Date.now())
  const refresh = async (server: TestServer, token: string) =>
    (await server.api.post('/v1/refresh', { body: { refresh_token: token } })).body.code
  const exchanged = (pair: Loot['pairs'][number]) => {
    const input = `${segment({ alg: 'ES256', typ: 'at+jwt', kid: pair.kid })}.${segment(claims('services', stolenSid()))}`
    const key = { key: pair.privateKey, dsaEncoding: 'ieee-p1363' } as const
    return `${input}.${sign('sha256', Buffer.from(input), key).toString('base64url')}`
  }
  const serviceAnswer = async (server: TestServer, token: string) => {
    const keys = remoteJwks(`${server.url}/.well-known/jwks.json`)
    const service = createLatchkey({ issuer: first.configuration.issuer, audience: 'services', keys })
    try {
      await service.verify(token)
      return 200
    } catch (error) {
      return (error as { code: string }).code
    } finally {
      await service.close()
    }
  }

  beforeAll(async () => {
    const configuration = { maxStalenessMs: 500, serviceAudiences: ['services'] as [string] }
    first = await startServer({ database, configuration })
    second = await first.startAnother()
    victim = await register(first)
    await first.api.post('/v1/password/forgot', { body: { email: victim.email } })
    link = (await newestLetter(first, victim.email, 'Reset your password')).token
    await first.api.get('/.well-known/jwks.json')
    const { store, mail } = first.server.service
    await store.transaction(async (client) => {
      const link = { token: 'a link that waits', expiresAt: Date.now() + 3_600_000 }
      await mail.outbox.add(client, { kind: 'reset_password', to: victim.email, account: victim.id, link })
      await client.query('update server_outbox set due_at = due_at + 3600000')
    })
    loot = await steal(first)
    expect(await tokenState(second, hmacToken(ownSecret().kid, ownSecret().secret, victim.sessionId))).toBe(200)
    const signal = new AbortController().signal
    await replaceAllKeys(first.server.service, { signal, onProgress: () => {} })
  })
  afterAll(async () => {
    await second.stop()
    await first.stop()
  })

  const ownSecret = () => {
    const found = loot.secrets.find(({ tenant }) => tenant === victim.id)
    if (found === undefined) throw new Error('The victim has no secret.')
    return found
  }
  const both = () => [first, second]

  it('cannot sign a token that a server accepts, with any secret or any key ID', async () => {
    const { kid, secret } = ownSecret()
    const id = randomBytes(16)
    const tag = createHmac('sha256', loot.key('kid-key')).update(id).digest().subarray(0, 8)
    const madeUp = Buffer.concat([id, tag]).toString('base64url')
    for (const server of both()) {
      expect(await tokenState(server, hmacToken(kid, secret, victim.sessionId))).toBe('token_revoked')
      expect(await tokenState(server, hmacToken(kid, secret, stolenSid()))).toBe('token_revoked')
      expect(await tokenState(server, hmacToken(madeUp, secret, victim.sessionId))).toBe('token_revoked')
      expect(await tokenState(server, victim.token)).toBe('token_revoked')
    }
    const { kid: newKid } = (await first.server.service.keys.describe(victim.id))?.secrets[0] ?? { kid: '' }
    expect(await tokenState(first, hmacToken(newKid, secret, stolenSid()))).toBe('signature_invalid')
  })

  it('cannot sign a token that another service accepts, with the current, next or previous key', async () => {
    expect(loot.pairs.length).toBeGreaterThanOrEqual(2)
    for (const pair of loot.pairs) {
      for (const server of both()) expect(await serviceAnswer(server, exchanged(pair))).toBe('kid_unknown')
    }
  })

  it('cannot make a refresh token, for earlier sessions or from a later copy of the database', async () => {
    const again = await login(first, victim.email)
    const { rows } = await first.server.service.store.query<{ id: string; salt: string; counter: number }>(
      'select id, salt, counter from server_sessions where account_id = $1',
      [victim.id],
    )
    expect(rows.length).toBeGreaterThanOrEqual(2)
    const tokens = new RefreshTokens(loot.key('server:refresh-key'))
    for (const { id, salt, counter } of rows) {
      const code = id === again.sessionId ? 'refresh_token_invalid' : 'session_ended'
      for (const server of both()) {
        expect(await refresh(server, tokens.derive({ sessionId: id, salt }, counter))).toBe(code)
      }
    }
    expect(await refresh(second, again.refreshToken)).toBeUndefined()
  })

  it('cannot make a session or a known device', async () => {
    const device = protectionOf(loot.key('server:protection-key')).devices.mint()
    for (const { api, server } of both()) {
      expect(server.service.sessionIds.read(stolenSid(), victim.id)).toBeUndefined()
      expect(server.service.sessionIds.read(victim.sessionId, victim.id)).toBeUndefined()
      const body = { email: victim.email, password }
      const answer = await api.post('/v1/login', { body, headers: { 'latchkey-device': device } })
      expect([answer.status, answer.body.device_token === device]).toEqual([200, false])
    }
  })

  it('cannot use a link or open a letter', async () => {
    expect([...loot.letters.values()].join()).toContain('a link that waits')
    const body = { token: link, new_password: 'a password that the thief has chosen' }
    for (const { api } of both()) {
      expect((await api.post('/v1/password/reset', { body })).body.code).toBe('link_invalid')
    }
    const { rows } = await first.server.service.store.query<{ id: string }>('select id from server_outbox')
    expect(rows.filter(({ id }) => loot.letters.has(id))).toEqual([])
  })

  it('cannot write an audit entry that passes verification, before or after the replacement', async () => {
    const { store, auditChain } = first.server.service
    const findings = async () => (await auditChain.verify()).findings.map(({ fault }) => fault)
    await auditChain.seal()
    expect(await findings()).toEqual([])
    const mac = new AuditMac(loot.key('server:audit-key'))
    const record = {
      id: uuidV7(Date.now()),
      at: Date.now(),
      event: 'login',
      outcome: 'done',
      actor: victim.id,
      account: victim.id,
      session: null,
      address: null,
      detail: null,
    } as const
    await store.query(
      `insert into server_audit (id, at, event, outcome, actor, account_id, session_id, address, tag)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
      [record.id, record.at, 'login', 'done', record.actor, record.account, null, null, mac.tagOf(record)],
    )
    expect(await findings()).toEqual(['entry_changed'])
    await store.query('delete from server_audit where id = $1', [record.id])
    // The earlier part of the chain, rebuilt with the stolen key: its last link differs from the
    // anchored one.
    const { rows } = await store.query<{ id: string; seq: number; tag: string; link: string; address: null }>(
      `select id, at, event, outcome, actor, account_id as account, session_id as session, address, tag, seq, link
       from server_audit where seq <= (select max(seq) from server_audit_segments) order by seq`,
    )
    let previous = { seq: 0, link: '' }
    for (const [at, row] of rows.entries()) {
      const changed = { ...row, address: at === 0 ? '192.0.2.66' : row.address }
      const tag = at === 0 ? mac.tagOf(changed as never) : row.tag
      previous = mac.next(previous, tag)
      await store.query('update server_audit set address = $2, tag = $3, link = $4 where id = $1', [
        row.id,
        changed.address,
        tag,
        previous.link,
      ])
    }
    expect((await findings()).length).toBeGreaterThan(0)
    for (const { id, address, tag, link } of rows) {
      await store.query('update server_audit set address = $2, tag = $3, link = $4 where id = $1', [
        id,
        address,
        tag,
        link,
      ])
    }
    expect(await findings()).toEqual([])
  })

  it('locks no user out: every user can sign in again, on every server, and again after another replacement', async () => {
    const signal = new AbortController().signal
    await replaceAllKeys(second.server.service, { signal, onProgress: () => {} })
    for (const server of both()) {
      const person = await login(server, victim.email)
      for (const other of both()) {
        expect(await tokenState(other, person.token)).toBe(200)
        expect(await refresh(other, (await login(server, victim.email)).refreshToken)).toBeUndefined()
      }
    }
    await second.server.service.auditChain.seal()
    expect((await second.server.service.auditChain.verify()).findings).toEqual([])
    expect((await first.server.service.auditChain.verify()).findings).toEqual([])
  })
})
