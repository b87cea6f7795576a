import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readConfiguration } from '../../../src/config/configuration.js'
import { maxFactors } from '../../../src/factors/factor-table.js'
import { passkeyDataOf } from '../../../src/factors/passkey-data.js'
import { Authenticator, algorithms } from '../../support/authenticator.js'
import { Browser } from '../../support/browser.js'
import { lettersTo } from '../../support/letters.js'
import { addPasskey, beginPasskey, beginSignIn, signedIn, signInWithPasskey } from '../../support/passkeys.js'
import { createAdmin, type Person, register, registerVerified, tokenState } from '../../support/people.js'
import { openSession } from '../../support/second-factor.js'
import { databases, startServer, type TestServer } from '../../support/start-server.js'

describe.each(databases)('passkeys on %s', (database) => {
  let running: TestServer
  let admin: Person

  beforeAll(async () => {
    running = await startServer({ database })
    admin = await createAdmin(running)
  })
  afterAll(() => running.stop())

  /** An account with a passkey in a new authenticator. */
  const withPasskey = async (authenticator = new Authenticator()) => {
    const person = await register(running)
    const { status, body } = await addPasskey(running, person, authenticator)
    expect(status).toBe(201)
    return { person, authenticator, passkeyId: body.id }
  }
  const storedPasskeys = async ({ id }: Person) => {
    const { rows } = await running.server.service.store.query<{ data: string; lastUsedAt: number | null }>(
      'select data, last_used_at as "lastUsedAt" from server_factors where account_id = $1 order by id',
      [id],
    )
    return rows.map((row) => ({ ...passkeyDataOf(row), lastUsedAt: row.lastUsedAt }))
  }
  const auditOf = async ({ id }: Person, event: string) => {
    const { body } = await running.api.get(`/v1/admin/audit?account=${id}&event=${event}`, { token: admin.token })
    return body.entries
  }

  it.each(algorithms)('sign in without a name, with a key of %s', async (algorithm) => {
    const { person, authenticator } = await withPasskey(new Authenticator({ algorithm }))
    for (let times = 0; times < 2; times += 1) {
      const { id, token } = signedIn(await signInWithPasskey(running, authenticator))
      expect(id).toBe(person.id)
      expect(await tokenState(running, token)).toBe(200)
    }
  })

  it('are asked for as resident keys that verify the user, without attestation and without personal data in the handle', async () => {
    const person = await register(running)
    const { options } = await beginPasskey(running, person.token)
    expect(options).toEqual({
      rp: { id: 'issuer.test', name: 'issuer.test' },
      user: {
        id: Buffer.from(person.id.replaceAll('-', ''), 'hex').toString('base64url'),
        name: person.email,
        displayName: person.email,
      },
      challenge: expect.stringMatching(/^[\w-]{43}$/),
      pubKeyCredParams: [-8, -7, -257].map((alg) => ({ type: 'public-key', alg })),
      timeout: 300_000,
      excludeCredentials: [],
      authenticatorSelection: { residentKey: 'required', requireResidentKey: true, userVerification: 'required' },
      attestation: 'none',
    })
    expect((await beginSignIn(running)).options).toEqual({
      challenge: expect.stringMatching(/^[\w-]{43}$/),
      timeout: 300_000,
      rpId: 'issuer.test',
      allowCredentials: [],
      userVerification: 'required',
    })
  })

  it('sign a page in with cookies, and mark its browser as known', async () => {
    const { authenticator } = await withPasskey()
    const browser = new Browser(running.api)
    const { body: begun } = await browser.call('POST', '/v1/passkeys/options')
    const { challenge_token, options } = begun
    const passkey = authenticator.get(options as Parameters<Authenticator['get']>[0])
    const answer = await browser.call('POST', '/v1/passkeys/sign-in', { body: { challenge_token, passkey } })
    expect([answer.status, answer.body.access_token]).toEqual([200, undefined])
    expect([...browser.cookies.keys()].toSorted()).toEqual([
      '__Host-latchkey',
      '__Host-latchkey-device',
      '__Secure-latchkey-refresh',
    ])
    expect((await browser.call('GET', '/v1/me')).status).toBe(200)
  })

  it.each([
    ['stay in one device', false, 'hwk mfa'],
    ['are synchronized', true, 'swk mfa'],
  ])('that %s are named so in the session', async (_, synchronized, methods) => {
    const { authenticator } = await withPasskey(new Authenticator({ synchronized }))
    const { sessionId } = signedIn(await signInWithPasskey(running, authenticator))
    const { rows } = await running.server.service.store.query('select amr from server_sessions where id = $1', [
      sessionId,
    ])
    expect(rows).toEqual([{ amr: methods }])
  })

  it('keep the counter, the backup state and the time of their last use', async () => {
    const authenticator = new Authenticator({ synchronized: true })
    const person = await register(running)
    const { body } = await addPasskey(running, person, authenticator, { backedUp: false })
    expect(body).toMatchObject({ device_bound: false, backed_up: false })
    expect(await storedPasskeys(person)).toMatchObject([
      { counter: 1, backedUp: false, transports: ['hybrid', 'internal'], deviceType: 'multi', lastUsedAt: null },
    ])
    await signInWithPasskey(running, authenticator, { counter: 7 })
    expect(await storedPasskeys(person)).toMatchObject([{ counter: 7, backedUp: true, lastUsedAt: expect.any(Number) }])
  })

  it('of an authenticator without a counter can be used again and again', async () => {
    const { authenticator } = await withPasskey(new Authenticator({ counts: false }))
    for (let times = 0; times < 3; times += 1) signedIn(await signInWithPasskey(running, authenticator))
  })

  it('have the name that the owner chooses, or else that of the browser', async () => {
    const person = await register(running)
    const userAgent = 'Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0'
    const names = []
    for (const body of [{ name: 'The key in the drawer' }, {}]) {
      const { token } = await openSession(running, person)
      const { challengeToken, options } = await beginPasskey(running, token)
      const passkey = new Authenticator().create(options)
      const added = { challenge_token: challengeToken, passkey, ...body }
      const headers = { 'user-agent': userAgent }
      names.push((await running.api.post('/v1/me/passkeys', { token, body: added, headers })).body.name)
    }
    expect(names).toEqual(['The key in the drawer', 'Firefox on Linux'])
  })

  it('are several for an account, and an authenticator that has one is excluded', async () => {
    const { person, authenticator } = await withPasskey()
    await expect(addPasskey(running, person, authenticator)).rejects.toThrow('has a passkey of this account')
    const second = new Authenticator({ synchronized: true })
    expect((await addPasskey(running, person, second)).status).toBe(201)
    for (const one of [authenticator, second]) {
      expect(signedIn(await signInWithPasskey(running, one)).id).toBe(person.id)
    }
  })

  it('are at most twenty for an account', async () => {
    const person = await register(running)
    for (let count = 0; count < maxFactors; count += 1) {
      expect((await addPasskey(running, person, new Authenticator())).status).toBe(201)
    }
    const { status, body } = await addPasskey(running, person, new Authenticator())
    expect([status, body.code]).toEqual([409, 'factor_limit'])
  })

  it('that are added inform the owner, and appear in the audit log', async () => {
    const person = await registerVerified(running)
    const { body } = await addPasskey(running, person, new Authenticator())
    const letters = await lettersTo(running, person.email)
    expect(letters.at(-1)?.text).toContain('A passkey was added to your account')
    expect(await auditOf(person, 'factor_add')).toMatchObject([
      { outcome: 'done', actor: person.id, session: person.sessionId, detail: { factor: body.id, kind: 'passkey' } },
    ])
  })

  it('that sign in appear in the audit log', async () => {
    const { person, authenticator, passkeyId } = await withPasskey()
    const { sessionId } = signedIn(await signInWithPasskey(running, authenticator))
    expect(await auditOf(person, 'login')).toMatchObject([
      { outcome: 'done', actor: person.id, session: sessionId, detail: { method: 'passkey', factor: passkeyId } },
    ])
  })

  it('that sign in on an unknown device inform the owner, and on a known one do not', async () => {
    const person = await registerVerified(running)
    const authenticator = new Authenticator()
    await addPasskey(running, person, authenticator)
    const count = async () =>
      (await lettersTo(running, person.email)).filter(({ subject }) => subject === 'New sign-in to your account').length
    const { body } = await signInWithPasskey(running, authenticator)
    expect(await count()).toBe(1)
    const { challengeToken, options } = await beginSignIn(running)
    const headers = { 'latchkey-device': body.device_token }
    const again = { challenge_token: challengeToken, passkey: authenticator.get(options) }
    const { status } = await running.api.post('/v1/passkeys/sign-in', { body: again, headers })
    expect([status, await count()]).toEqual([200, 1])
  })

  it('end the least recently used session above the limit', async () => {
    const { person, authenticator } = await withPasskey()
    const strict = await running.startAnother({ configuration: { maxSessions: 2 } })
    const second = await openSession(running, person)
    const third = signedIn(await signInWithPasskey(strict, authenticator))
    expect(await tokenState(strict, person.token)).toBe('session_ended')
    for (const { token } of [second, third]) expect(await tokenState(strict, token)).toBe(200)
    await strict.stop()
  })

  it('are looked up at /.well-known/webauthn where pages of several origins use them', async () => {
    expect((await running.api.get('/.well-known/webauthn')).body.code).toBe('route_unknown')
    const origins = ['https://example.com', 'https://example.de', `android:apk-key-hash:${'A'.repeat(43)}`]
    const several = await running.startAnother({ configuration: { passkeys: { rpId: 'example.com', origins } } })
    const { status, body, headers } = await several.api.get('/.well-known/webauthn')
    expect([status, body]).toEqual([200, { origins: ['https://example.com', 'https://example.de'] }])
    expect(headers.get('content-type')).toMatch(/^application\/json/)
    await several.stop()
  })

  it('are accepted from every origin that is listed, and from no other', async () => {
    const app = `android:apk-key-hash:${'A'.repeat(43)}`
    const origins = ['https://example.com', 'https://app.example.com:8443', app]
    const several = await running.startAnother({ configuration: { passkeys: { rpId: 'example.com', origins } } })
    for (const origin of origins) {
      const authenticator = new Authenticator({ origin })
      const person = await register(several)
      expect([origin, (await addPasskey(several, person, authenticator)).status]).toEqual([origin, 201])
      expect([origin, (await signInWithPasskey(several, authenticator)).status]).toEqual([origin, 200])
      for (const other of ['https://example.com:8443', 'https://sub.example.com', 'http://example.com', 'null']) {
        const { body } = await signInWithPasskey(several, authenticator, { origin: other })
        expect([other, body.code]).toEqual([other, 'passkey_refused'])
      }
    }
    await several.stop()
  })
})

describe('the relying party of passkeys', () => {
  it('is the host and the origin of the issuer unless it is set', () => {
    const partyOf = (env: Record<string, string>) => readConfiguration(env).passkeys
    expect(partyOf({ LATCHKEY_ISSUER: 'https://auth.example.com/latchkey' })).toEqual({
      rpId: 'auth.example.com',
      origins: ['https://auth.example.com'],
    })
    const set = {
      LATCHKEY_PASSKEY_RP_ID: 'example.com',
      LATCHKEY_PASSKEY_ORIGINS: 'https://a.example, https://b.example',
    }
    expect(partyOf(set)).toEqual({ rpId: 'example.com', origins: ['https://a.example', 'https://b.example'] })
  })

  it.each(['http://127.0.0.1:3000', 'http://[::1]:3000', 'http://localhost:3000'])(
    'is localhost for the issuer %s, because no browser accepts an IP address',
    (issuer) => {
      const { passkeys } = readConfiguration({ LATCHKEY_ISSUER: issuer })
      expect(passkeys).toEqual({ rpId: 'localhost', origins: ['http://localhost:3000'] })
    },
  )

  it.each(['https://example.com', 'Example.com', '192.0.2.1', 'example.com:443', '-a.example', 'a..b', 'a'.repeat(64)])(
    'cannot be %s',
    (rpId) => {
      expect(() => readConfiguration({ LATCHKEY_PASSKEY_RP_ID: rpId })).toThrow('LATCHKEY_PASSKEY_RP_ID')
    },
  )

  it.each(['https://example.com/', 'example.com', 'null', 'android:apk-key-hash:short', ''.padEnd(3, ',')])(
    'cannot have the origin %s',
    (origins) => {
      expect(() => readConfiguration({ LATCHKEY_PASSKEY_ORIGINS: origins })).toThrow('LATCHKEY_PASSKEY_ORIGINS')
    },
  )
})
