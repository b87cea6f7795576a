import { generateKeyPairSync, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CheckedAssertion } from '../../../src/factors/passkeys.js'
import type { PasskeyAssertion } from '../../../src/factors/webauthn.js'
import {
  Authenticator,
  type CreationOptions,
  coseKeyOf,
  type Deviations,
  type RequestOptions,
} from '../../support/authenticator.js'
import type { CborValue } from '../../support/cbor.js'
import { holdRequest } from '../../support/held-request.js'
import { addPasskey, beginPasskey, beginSignIn, signedIn, signInWithPasskey } from '../../support/passkeys.js'
import { createAdmin, type Person, register } from '../../support/people.js'
import { openSession } from '../../support/second-factor.js'
import { databases, startServer, type TestServer } from '../../support/start-server.js'
import { Statements } from '../../support/statements.js'

/** Answers that no honest browser or authenticator would make. */
const deviations: readonly (readonly [string, Deviations])[] = [
  ['made at another site', { origin: 'https://evil.example' }],
  ['made at a sibling host', { origin: 'http://evil.issuer.test' }],
  ['made at another port', { origin: 'http://issuer.test:8080' }],
  ['for another RP ID', { rpId: 'evil.example' }],
  ['for a parent of the RP ID', { rpId: 'test' }],
  ['made in a frame of another site', { clientData: { crossOrigin: true } }],
  ['made in a frame, whose page is named', { clientData: { crossOrigin: true, topOrigin: 'http://issuer.test' } }],
  ['whose page is named without a frame', { clientData: { topOrigin: 'http://issuer.test' } }],
  ['whose frame is no boolean', { clientData: { crossOrigin: 'true' } }],
  ['for another challenge', { challenge: randomBytes(32).toString('base64url') }],
  ['for an empty challenge', { challenge: '' }],
  ['without a verified user', { userVerified: false }],
  ['without a present user', { userPresent: false }],
  ['backed up although it cannot be', { multiDevice: false, backedUp: true }],
]

describe.each(databases)('attacks on passkeys on %s', (database) => {
  let running: TestServer
  let admin: Person
  let ada: Person
  let adas: Authenticator
  let bob: Person
  let bobs: Authenticator

  beforeAll(async () => {
    running = await startServer({ database })
    admin = await createAdmin(running)
    ada = await register(running)
    bob = await register(running)
    adas = new Authenticator()
    bobs = new Authenticator()
    await addPasskey(running, ada, adas)
    await addPasskey(running, bob, bobs)
    ada = await openSession(running, ada)
    bob = await openSession(running, bob)
  })
  afterAll(() => running.stop())

  const post = async (path: string, body: unknown, token?: string) => {
    const answer = await running.api.post(path, token === undefined ? { body } : { body, token })
    return [answer.status, answer.body.code]
  }
  const signIn = (challengeToken: string, passkey: object) =>
    post('/v1/passkeys/sign-in', { challenge_token: challengeToken, passkey })
  const add = ({ token }: Person, challengeToken: string, passkey: object) =>
    post('/v1/me/passkeys', { challenge_token: challengeToken, passkey }, token)
  const registered = async () => {
    const person = await register(running)
    const authenticator = new Authenticator()
    await addPasskey(running, person, authenticator)
    return { person: await openSession(running, person), authenticator }
  }
  const refused = [403, 'passkey_refused']
  const invalid = [400, 'challenge_invalid']

  it.each([...deviations, ['of the type of a registration', { type: 'webauthn.create' }] as const])(
    'fail with an assertion %s',
    async (_, deviation) => {
      const { status, body } = await signInWithPasskey(running, adas, deviation)
      expect([status, body.code]).toEqual(refused)
      // The same without the deviation is accepted.
      expect((await signInWithPasskey(running, adas)).status).toBe(200)
    },
  )

  it.each([...deviations, ['of the type of an assertion', { type: 'webauthn.get' }] as const])(
    'fail with a new passkey %s',
    async (_, deviation) => {
      const { status, body } = await addPasskey(running, ada, new Authenticator(), deviation)
      expect([status, body.code]).toEqual(refused)
    },
  )

  it('fail with an assertion that is sent twice', async () => {
    const { challengeToken, options } = await beginSignIn(running)
    const passkey = adas.get(options)
    expect(await signIn(challengeToken, passkey)).toEqual([200, undefined])
    expect(await signIn(challengeToken, passkey)).toEqual(invalid)
    // Nor does it answer another challenge.
    expect(await signIn((await beginSignIn(running)).challengeToken, passkey)).toEqual(refused)
  })

  it('succeed once if one assertion is sent ten times at the same moment', async () => {
    const { challengeToken, options } = await beginSignIn(running)
    const passkey = adas.get(options)
    const answers = await Promise.all(Array.from({ length: 10 }, () => signIn(challengeToken, passkey)))
    expect(answers.filter(([status]) => status === 200)).toHaveLength(1)
    expect(answers.filter(([, code]) => code === 'challenge_invalid')).toHaveLength(9)
  })

  it('add one passkey if it is sent ten times at the same moment', async () => {
    const { challengeToken, options } = await beginPasskey(running, ada.token)
    const passkey = new Authenticator().create(options)
    const answers = await Promise.all(Array.from({ length: 10 }, () => add(ada, challengeToken, passkey)))
    expect(answers.filter(([status]) => status === 201)).toHaveLength(1)
  })

  it('fail after five minutes', async () => {
    const begun = await beginSignIn(running)
    const passkey = adas.get(begun.options)
    const late = await running.startAnother()
    late.clock.advance(300_001)
    const body = { challenge_token: begun.challengeToken, passkey }
    expect((await late.api.post('/v1/passkeys/sign-in', { body })).body.code).toBe('challenge_invalid')
    await late.server.service.challenges.prune()
    expect(await signIn(begun.challengeToken, passkey)).toEqual(invalid)
    await late.stop()
  })

  it('use a challenge up by a wrong answer', async () => {
    const { challengeToken, options } = await beginSignIn(running)
    expect(await signIn(challengeToken, adas.get(options, { userVerified: false }))).toEqual(refused)
    expect(await signIn(challengeToken, adas.get(options))).toEqual(invalid)
  })

  it('fail with a challenge of another purpose', async () => {
    const forSignIn = await beginSignIn(running)
    const options: CreationOptions = {
      challenge: forSignIn.options.challenge,
      rp: { id: 'issuer.test' },
      user: { id: 'AA' },
      excludeCredentials: [],
    }
    expect(await add(ada, forSignIn.challengeToken, new Authenticator().create(options))).toEqual(invalid)
    const forAddition = await beginPasskey(running, ada.token)
    const { challenge } = forAddition.options
    const assertion = adas.get({ challenge, rpId: 'issuer.test', allowCredentials: [] })
    expect(await signIn(forAddition.challengeToken, assertion)).toEqual(invalid)
  })

  it('fail with a challenge of another session, and of another account', async () => {
    const other = await openSession(running, ada)
    for (const person of [other, bob]) {
      const { challengeToken, options } = await beginPasskey(running, ada.token)
      expect(await add(person, challengeToken, new Authenticator().create(options))).toEqual(invalid)
    }
  })

  it('fail with the passkey of another account under the name of its victim', async () => {
    const userHandle = Buffer.from(ada.id.replaceAll('-', ''), 'hex').toString('base64url')
    const { status, body } = await signInWithPasskey(running, bobs, { userHandle })
    expect([status, body.code]).toEqual(refused)
  })

  it('fail without a name of the account, where the request names none', async () => {
    const { status, body } = await signInWithPasskey(running, adas, { userHandle: undefined })
    expect([status, body.code]).toEqual(refused)
  })

  it('fail with the passkey of another account where one account is asked for', async () => {
    const { passkeys, store } = running.server.service
    const begin = async () => {
      const { body } = await running.api.post('/v1/me/step-up/options', { token: ada.token })
      return { challengeToken: body.challenge_token, options: body.options as RequestOptions }
    }
    const answer = async (authenticator: Authenticator, deviation: Deviations = {}, holder = ada) => {
      const { challengeToken, options } = await begin()
      const passkey = authenticator.get({ ...options, allowCredentials: [] }, deviation)
      const { id: accountId, sessionId } = holder
      const answered = { purpose: 'passkey_step_up', accountId, sessionId, challengeToken, passkey } as const
      return store.transaction((client) => passkeys.answer(client, answered))
    }
    expect((await answer(adas)).factor.accountId).toBe(ada.id)
    // A security key omits the name if the request lists its passkey.
    expect((await answer(adas, { userHandle: undefined })).methods).toEqual(['hwk', 'mfa'])
    await expect(answer(bobs)).rejects.toMatchObject({ code: 'passkey_refused' })
    const others = [bob, await openSession(running, ada)]
    for (const other of others) {
      await expect(answer(adas, {}, other)).rejects.toMatchObject({ code: 'challenge_invalid' })
    }
    const listed = (await begin()).options.allowCredentials.map(({ id }) => id)
    expect(listed).toContain(adas.passkeys[0]?.id)
    expect(listed).not.toContain(bobs.passkeys[0]?.id)
  })

  it('fail with a counter that does not grow, and appear in the audit log', async () => {
    const { person, authenticator } = await registered()
    await signInWithPasskey(running, authenticator, { counter: 5 })
    for (const counter of [5, 4, 0]) {
      const { status, body } = await signInWithPasskey(running, authenticator, { counter })
      expect([counter, status, body.code]).toEqual([counter, ...refused])
    }
    const entries = async () =>
      (await running.api.get(`/v1/admin/audit?account=${person.id}&event=passkey_cloned`, { token: admin.token })).body
        .entries
    await expect.poll(entries).toMatchObject([{ outcome: 'refused', detail: { reason: 'counter_not_increased' } }])
    expect((await signInWithPasskey(running, authenticator, { counter: 6 })).status).toBe(200)
  })

  it('are recorded also where the transaction around them is rolled back', async () => {
    const { person, authenticator } = await registered()
    await signInWithPasskey(running, authenticator, { counter: 5 })
    const { passkeys, store, audit } = running.server.service
    const { body } = await running.api.post('/v1/me/step-up/options', { token: person.token })
    const passkey = authenticator.get(body.options as RequestOptions, { counter: 4 })
    const { id: accountId, sessionId } = person
    const answered = { purpose: 'passkey_step_up', accountId, sessionId, challengeToken: body.challenge_token } as const
    const verified = store.transaction((client) => passkeys.answer(client, { ...answered, passkey }, '192.0.2.1'))
    await expect(verified).rejects.toMatchObject({ code: 'passkey_refused' })
    const url = `/v1/admin/audit?account=${accountId}&event=passkey_cloned`
    const entries = async () => (await running.api.get(url, { token: admin.token })).body.entries
    await expect.poll(entries).toMatchObject([{ outcome: 'refused', address: '192.0.2.1' }])
    await audit.flush('all')
  })

  it('make no passkey look cloned without a signature of it', async () => {
    const { person, authenticator } = await registered()
    await signInWithPasskey(running, authenticator, { counter: 5 })
    const { body } = await signInWithPasskey(running, authenticator, { counter: 4, signature: randomBytes(70) })
    expect(body.code).toBe('passkey_refused')
    await running.server.service.audit.flush('all')
    const url = `/v1/admin/audit?account=${person.id}&event=passkey_cloned`
    expect((await running.api.get(url, { token: admin.token })).body.entries).toEqual([])
  })

  it('fail with two authenticators that use one counter at the same moment', async () => {
    const { authenticator } = await registered()
    const begun = await Promise.all([beginSignIn(running), beginSignIn(running)])
    const answers = await Promise.all(
      begun.map(({ challengeToken, options }) => signIn(challengeToken, authenticator.get(options, { counter: 9 }))),
    )
    expect(answers.map(([status]) => status).toSorted()).toEqual([200, 403])
  })

  it('fail with a passkey that has become a synchronized one', async () => {
    const { status, body } = await signInWithPasskey(running, adas, { multiDevice: true })
    expect([status, body.code]).toEqual(refused)
  })

  it('fail with a passkey that was deleted after the challenge', async () => {
    const { person, authenticator } = await registered()
    const { challengeToken, options } = await beginSignIn(running)
    await running.server.service.store.query('delete from server_factors where account_id = $1', [person.id])
    expect(await signIn(challengeToken, authenticator.get(options))).toEqual(refused)
  })

  it('fail with an account that was disabled after the challenge, which only its passkey reveals', async () => {
    const { person, authenticator } = await registered()
    const { challengeToken, options } = await beginSignIn(running)
    await running.api.post(`/v1/admin/users/${person.id}/disable`, { token: admin.token })
    expect(await signIn(challengeToken, authenticator.get(options))).toEqual([403, 'account_disabled'])
    const { body } = await signInWithPasskey(running, authenticator, { signature: randomBytes(70) })
    expect(body.code).toBe('passkey_refused')
  })

  it('fail with an account that was deleted after the challenge', async () => {
    const { person, authenticator } = await registered()
    const { challengeToken, options } = await beginSignIn(running)
    await running.api.delete(`/v1/admin/users/${person.id}`, { token: admin.token })
    expect(await signIn(challengeToken, authenticator.get(options))).toEqual(refused)
  })

  it.each([
    ['deletes the passkey', 'passkey_refused', (id: string) => deletePasskeys(id)],
    ['disables the account', 'account_disabled', (id: string) => administer(id, 'POST', '/disable')],
    ['deletes the account', 'passkey_refused', (id: string) => administer(id, 'DELETE', '')],
  ])('open no session if another request %s after the signature was checked', async (_, code, change) => {
    const { person, authenticator } = await registered()
    const { passkeys, store } = running.server.service
    const check = passkeys.check.bind(passkeys)
    passkeys.check = async (...parameters): Promise<CheckedAssertion> => {
      const checked = await check(...parameters)
      await change(person.id)
      return checked
    }
    try {
      expect((await signInWithPasskey(running, authenticator)).body.code).toBe(code)
    } finally {
      passkeys.check = check
    }
    const { rows } = await store.query(
      `select id from server_sessions where account_id = $1 and ended_at is null and amr <> 'pwd' and id <> $2`,
      [person.id, person.sessionId],
    )
    expect(rows).toEqual([])
  })

  it('fail to reveal an unverified address without its passkey', async () => {
    const strict = await running.startAnother({ configuration: { unverifiedSignIn: 'refuse' } })
    expect((await signInWithPasskey(strict, adas)).body.code).toBe('email_unverified')
    const { body } = await signInWithPasskey(strict, adas, { signature: randomBytes(70) })
    expect(body.code).toBe('passkey_refused')
    await strict.stop()
  })

  it('fail to register the passkey of another account', async () => {
    const { options, challengeToken } = await beginPasskey(running, bob.token)
    const credentialId = Buffer.from(adas.passkeys[0]?.id ?? '', 'base64url')
    const passkey = new Authenticator().create(options, { credentialId })
    expect(await add(bob, challengeToken, passkey)).toEqual([409, 'passkey_taken'])
    // The passkey still belongs to its owner.
    expect(signedIn(await signInWithPasskey(running, adas)).id).toBe(ada.id)
  })

  it('register a passkey for one of two accounts that send it at the same moment', async () => {
    const credentialId = randomBytes(32)
    const begun = await Promise.all([ada, bob].map(({ token }) => beginPasskey(running, token)))
    const answers = await Promise.all(
      [ada, bob].map(async (person, index) => {
        const { challengeToken, options } = begun[index] ?? expect.fail()
        return add(person, challengeToken, new Authenticator().create(options, { credentialId }))
      }),
    )
    expect(answers.map(([status]) => status).toSorted()).toEqual([201, 409])
  })

  it.each([
    ['of another algorithm', es384()],
    ['that is no point of its curve', offCurve()],
    ['of a short RSA modulus', rsa(1024)],
    [
      'of a huge RSA modulus',
      new Map<number, CborValue>([
        [1, 3],
        [3, -257],
        [-1, randomBytes(4096)],
        [-2, Buffer.from([1, 0, 1])],
      ]),
    ],
    [
      'of a huge RSA exponent',
      new Map<number, CborValue>([
        [1, 3],
        [3, -257],
        [-1, randomBytes(256)],
        [-2, randomBytes(256)],
      ]),
    ],
    [
      'whose type contradicts its algorithm',
      new Map<number, CborValue>([
        [1, 3],
        [3, -7],
        [-1, 1],
        [-2, randomBytes(32)],
        [-3, randomBytes(32)],
      ]),
    ],
    ['without members', new Map<number, CborValue>()],
    ['that is no map', 'a key'],
  ])('fail to register a key %s', async (_, publicKey) => {
    const { status, body } = await addPasskey(running, ada, new Authenticator(), { publicKey })
    expect([status, body.code]).toEqual(refused)
  })

  it.each(['packed', 'apple', 'tpm', 'android-key', 'fido-u2f', 'unknown'])(
    'cause no work by an attestation of the format %s, which is ignored',
    async (format) => {
      const certificate = randomBytes(500)
      const statement = new Map<string, CborValue>([
        ['alg', -7],
        ['sig', randomBytes(70)],
        ['x5c', certificate],
      ])
      const { status } = await addPasskey(running, await register(running), new Authenticator(), {
        attestation: { format, statement },
      })
      expect(status).toBe(201)
    },
  )

  it('fail with an ID that is not the one in the signed data', async () => {
    const { challengeToken, options } = await beginPasskey(running, ada.token)
    const passkey = new Authenticator().create(options)
    const other = randomBytes(32).toString('base64url')
    expect(await add(ada, challengeToken, { ...passkey, id: other, rawId: other })).toEqual(refused)
  })

  it('fail to add a passkey by a request that is held back until its session has ended', async () => {
    const person = await register(running)
    const { challengeToken, options } = await beginPasskey(running, person.token)
    const passkey = new Authenticator().create(options)
    const body = { challenge_token: challengeToken, passkey }
    const held = await holdRequest(running.url, 'POST', '/v1/me/passkeys', { token: person.token, body })
    await running.api.post('/v1/logout', { token: person.token })
    expect((await held.release()).code).toBe('session_ended')
    const { rows } = await running.server.service.store.query('select id from server_factors where account_id = $1', [
      person.id,
    ])
    expect(rows).toEqual([])
  })

  it('fail to ask for a new passkey with an old session alone', async () => {
    const person = await register(running)
    running.clock.advance(601_000)
    const answer = await post('/v1/me/passkeys/options', null, person.token)
    running.clock.advance(-601_000)
    expect(answer).toEqual([401, 'recent_authentication_required'])
  })

  it('fail to sign a browser in from a page of another site', async () => {
    const { challengeToken, options } = await beginSignIn(running)
    const body = { challenge_token: challengeToken, passkey: adas.get(options) }
    const headers = { origin: 'https://evil.example', 'latchkey-mode': 'cookie' }
    for (const path of ['/v1/passkeys/sign-in', '/v1/passkeys/options']) {
      const sent = path.endsWith('options') ? {} : { body }
      expect((await running.api.post(path, { ...sent, headers })).body.code).toBe('csrf_refused')
    }
  })

  it('fail to distinguish an unknown passkey from a wrong signature by the answer', async () => {
    const { request_id: _, ...wrong } = (await signInWithPasskey(running, adas, { signature: randomBytes(70) })).body
    const { challengeToken, options } = await beginSignIn(running)
    const stray = new Authenticator()
    stray.create({ challenge: '', rp: { id: 'issuer.test' }, user: { id: 'AA' }, excludeCredentials: [] })
    const answer = await running.api.post('/v1/passkeys/sign-in', {
      body: { challenge_token: challengeToken, passkey: stray.get(options) },
    })
    const { request_id: __, ...unknown } = answer.body
    expect(unknown).toEqual(wrong)
  })

  it('are answered with 400 or 403, never with 500, whatever the members are', async () => {
    const bytes = fc.uint8Array({ maxLength: 200 }).map((value) => Buffer.from(value).toString('base64url'))
    const json = fc.json().map((text) => Buffer.from(text).toString('base64url'))
    const member = fc.oneof(bytes, json, fc.string(), fc.jsonValue(), fc.constantFrom('', 'A'.repeat(70_000)))
    const mutation = fc.record(
      {
        clientDataJSON: member,
        authenticatorData: member,
        signature: member,
        userHandle: member,
        attestationObject: member,
        transports: member,
      },
      { requiredKeys: [] },
    )
    await fc.assert(
      fc.asyncProperty(mutation, fc.boolean(), async (changes, isAddition) => {
        const begun = isAddition ? await beginPasskey(running, ada.token) : await beginSignIn(running)
        const made = 'user' in begun.options ? new Authenticator().create(begun.options) : adas.get(begun.options)
        const passkey = { ...made, response: { ...made.response, ...changes } }
        const [status] = isAddition
          ? await add(ada, begun.challengeToken, passkey)
          : await signIn(begun.challengeToken, passkey)
        expect([200, 201, 400, 403, 409, 413]).toContain(status)
      }),
      { numRuns: 100 },
    )
  })

  it.each([
    ['no member', {}],
    ['another type', { type: 'password' }],
    ['an ID that is too long', { id: 'A'.repeat(1365), rawId: 'A'.repeat(1365) }],
    ['an ID with other characters', { id: 'a+b/c=' }],
    ['no response', { response: undefined }],
    ['padding', { response: { clientDataJSON: 'AA==', authenticatorData: 'AA', signature: 'AA' } }],
  ])('are answered with 400 for %s', async (name, change) => {
    const { challengeToken, options } = await beginSignIn(running)
    const passkey = name === 'no member' ? {} : { ...adas.get(options), ...change }
    expect(await signIn(challengeToken, passkey)).toEqual([400, 'validation_failed'])
  })

  it('accept members that future browsers add', async () => {
    const { challengeToken, options } = await beginSignIn(running)
    const made = adas.get(options)
    const passkey = { ...made, response: { ...made.response, invented: 'AA' }, invented: { later: true } }
    expect(await signIn(challengeToken, passkey)).toEqual([200, undefined])
  })

  async function deletePasskeys(accountId: string): Promise<void> {
    await running.server.service.store.query('delete from server_factors where account_id = $1', [accountId])
  }

  async function administer(accountId: string, method: string, action: string): Promise<void> {
    const { status } = await running.api.call(method, `/v1/admin/users/${accountId}${action}`, { token: admin.token })
    expect(status).toBeLessThan(300)
  }
})

describe('the work of a refused passkey on PostgreSQL', () => {
  let running: TestServer
  let statements: Statements

  beforeAll(async () => {
    running = await startServer({ database: 'postgres' })
    statements = Statements.start()
  })
  afterAll(async () => {
    statements.stop()
    await running.stop()
  })

  it('is the same for an unknown passkey and for a wrong signature', async () => {
    const person = await register(running)
    const known = new Authenticator()
    await addPasskey(running, person, known)
    const unknown = new Authenticator()
    unknown.create({ challenge: '', rp: { id: 'issuer.test' }, user: { id: 'AA' }, excludeCredentials: [] })
    // The first refusal is written to the audit log at once, the others are counted.
    await signInWithPasskey(running, known, { signature: randomBytes(70) })
    const work = async (authenticator: Authenticator, deviation: Deviations) => {
      const { challengeToken, options } = await beginSignIn(running)
      const passkey: PasskeyAssertion = authenticator.get(options, deviation)
      const payload = { challenge_token: challengeToken, passkey }
      const signatures = countSignatureChecks()
      const { result, sent } = await statements.of(() =>
        running.server.app.inject({ method: 'POST', url: '/v1/passkeys/sign-in', payload }),
      )
      return { code: result.json().code, sent, signatures: signatures.stop() }
    }
    const wrong = Buffer.from(
      known.get({ challenge: '', rpId: '', allowCredentials: [] }).response.signature,
      'base64url',
    )
    const refusals = [await work(known, { signature: wrong }), await work(unknown, {})]
    expect(refusals).toMatchObject([
      { code: 'passkey_refused', signatures: 1 },
      { code: 'passkey_refused', signatures: 1 },
    ])
    expect(refusals[0]?.sent).toEqual(refusals[1]?.sent)
  })
})

/** Counts the signatures that this process checks with Web Crypto, until `stop`. */
function countSignatureChecks(): { stop(): number } {
  const { subtle } = globalThis.crypto
  const verify = subtle.verify
  let count = 0
  subtle.verify = function (...parameters) {
    count += 1
    return verify.apply(this, parameters)
  }
  return {
    stop: () => {
      subtle.verify = verify
      return count
    },
  }
}

function es384(): ReadonlyMap<number, CborValue> {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' })
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' })
  return new Map<number, CborValue>([
    [1, 2],
    [3, -35],
    [-1, 2],
    [-2, Buffer.from(x, 'base64url')],
    [-3, Buffer.from(y, 'base64url')],
  ])
}

function offCurve(): ReadonlyMap<number, CborValue> {
  return new Map<number, CborValue>([
    [1, 2],
    [3, -7],
    [-1, 1],
    [-2, Buffer.alloc(32, 1)],
    [-3, Buffer.alloc(32, 2)],
  ])
}

function rsa(modulusLength: number): ReadonlyMap<number, CborValue> {
  return coseKeyOf(generateKeyPairSync('rsa', { modulusLength }).publicKey, 'RS256')
}
