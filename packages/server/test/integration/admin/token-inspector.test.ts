import { createHmac, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { form, Machines } from '../../support/machines.js'
import { createAdmin, type Person, register } from '../../support/people.js'
import { databases, startServer, type TestServer } from '../../support/start-server.js'
import { forgeClaims, stealSecret } from '../../support/steal-secret.js'

interface Inspected {
  readonly kind: string
  readonly accepted: boolean
  readonly verified: boolean
  readonly refusal: { readonly code: string; readonly message: string; readonly hint: string } | null
  readonly checks: readonly { readonly name: string; readonly contract: string; readonly outcome: string }[]
  readonly header: Record<string, unknown> | null
  readonly claims: Record<string, unknown> | null
  readonly secret: { readonly tenant: string; readonly generation: number; readonly state: string } | null
  readonly owner: { readonly kind: string; readonly id: string; readonly label: string } | null
  readonly session: { readonly id: string; readonly ended_at: string | null } | null
  readonly issued_at: string | null
  readonly expires_at: string | null
  readonly checked_at: string
}

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
const decode = (segment = '') => JSON.parse(Buffer.from(segment, 'base64url').toString())

describe.each(databases)('the token inspector on %s', (database) => {
  let running: TestServer
  let admin: Person

  beforeAll(async () => {
    running = await startServer({ database })
    admin = await createAdmin(running)
  })
  afterAll(() => running.stop())

  const inspect = async (token: string): Promise<Inspected> => {
    const answer = await running.api.post('/v1/admin/inspect', { token: admin.token, body: { token } })
    expect(answer.status).toBe(200)
    const end = token.split('.').at(-1) ?? ''
    if (end.length > 20) expect(answer.text).not.toContain(end)
    return answer.body as unknown as Inspected
  }
  /** The refused check, and the checks that were passed before. */
  const verdict = ({ checks, refusal }: Inspected) => ({
    code: refusal?.code,
    refused: checks.filter(({ outcome }) => outcome === 'refused').map(({ name }) => name),
    passed: checks.filter(({ outcome }) => outcome === 'passed').map(({ name }) => name),
  })

  it('says of an accepted token whose it is, by which secret and session, and that each check is passed', async () => {
    const person = await register(running)
    const found = await inspect(person.token)
    expect(found).toMatchObject({
      kind: 'access_token',
      accepted: true,
      verified: true,
      owner: { kind: 'account', id: person.id, label: person.email },
      secret: { tenant: person.id, generation: 1, state: 'active' },
      session: { id: person.sessionId, ended_at: null },
      claims: { sub: person.id, sid: person.sessionId },
    })
    const { exp, iat } = found.claims ?? {}
    expect(Date.parse(found.expires_at ?? '') / 1000).toBe(exp)
    expect(Date.parse(found.issued_at ?? '') / 1000).toBe(iat)
    expect(verdict(found).passed).toEqual([
      'form',
      'key_id',
      'secret',
      'algorithm',
      'signature',
      'claims',
      'times',
      'session',
      'grants',
    ])
    for (const { contract } of found.checks) expect(contract).toMatch(/^C([1-9]|10)$/)
  })

  it('says that a secret is in its grace period after a rotation', async () => {
    const person = await register(running)
    await running.api.post(`/v1/admin/users/${person.id}/rotate`, { token: admin.token })
    expect(await inspect(person.token)).toMatchObject({ accepted: true, secret: { generation: 1, state: 'in_grace' } })
  })

  it('calls the claims of a changed or forged token claimed, and names the owner of the key ID alone', async () => {
    const person = await register(running)
    const victim = await register(running)
    const [header, payload, signature] = person.token.split('.')
    const changed = `${header}.${encode({ ...decode(payload), sub: victim.id })}.${signature}`
    const found = await inspect(changed)
    expect(verdict(found)).toEqual({
      code: 'signature_invalid',
      refused: ['signature'],
      passed: ['form', 'key_id', 'secret', 'algorithm'],
    })
    expect(found).toMatchObject({
      verified: false,
      owner: { id: person.id },
      session: null,
      claims: { sub: victim.id },
    })
  })

  it('finds no owner and no session for a key ID that was never issued', async () => {
    const person = await register(running)
    const [, payload] = person.token.split('.')
    const header = { alg: 'HS256', typ: 'at+jwt', kid: Buffer.alloc(24, 1).toString('base64url') }
    const input = `${encode(header)}.${payload}`
    const found = await inspect(`${input}.${createHmac('sha256', 'guess').update(input).digest('base64url')}`)
    expect(verdict(found)).toEqual({ code: 'kid_unknown', refused: ['key_id'], passed: ['form'] })
    expect(found).toMatchObject({ verified: false, secret: null, owner: null, session: null })
  })

  it.each([
    ['algorithm none', { alg: 'none' }, 'algorithm_refused', 'algorithm'],
    ['a key in the header', { jwk: { kty: 'oct', k: 'AAAA' } }, 'header_refused', 'form'],
    ['the type of an ID token', { typ: 'JWT' }, 'type_mismatch', 'claims'],
    ['another algorithm of its key', { alg: 'HS512' }, 'algorithm_refused', 'algorithm'],
    ['a key ID that no database can store', { alg: 'none', kid: '\0' }, 'algorithm_refused', 'algorithm'],
  ])('names the check that refuses %s', async (_, members, code, check) => {
    const [header, payload, signature] = (await register(running)).token.split('.')
    const found = await inspect(`${encode({ ...decode(header), ...members })}.${payload}.${signature}`)
    expect(verdict(found)).toEqual({ code, refused: [check], passed: code === 'header_refused' ? [] : ['form'] })
    expect(found.verified).toBe(false)
  })

  it('does not take what a thief of the secret signs as a statement of the owner', async () => {
    const person = await register(running)
    const victim = await register(running)
    const secret = await stealSecret(running, person.id)
    const other = await inspect(forgeClaims(person.token, secret, { sub: victim.id }))
    expect(verdict(other)).toMatchObject({ code: 'subject_mismatch', refused: ['claims'] })
    expect(other).toMatchObject({ verified: false, owner: { id: person.id }, session: null })
    const forged = await inspect(forgeClaims(person.token, secret, { sid: randomUUID() }))
    expect(verdict(forged)).toMatchObject({ code: 'session_forged', refused: ['session'] })
    expect(forged).toMatchObject({ verified: false, session: null })
  })

  it.each([
    ['iss', { iss: 'https://evil.example' }, 'issuer_mismatch', 'claims'],
    ['aud', { aud: 'other' }, 'audience_mismatch', 'claims'],
    ['exp in the past', { iat: 1_000_000, exp: 1_000_060 }, 'token_expired', 'times'],
    ['nbf in the future', { nbf: 4_000_000_000 }, 'token_not_yet_valid', 'times'],
    ['no jti', { jti: undefined }, 'claim_missing', 'claims'],
  ])('names the claim check for a signed token with another %s', async (_, claims, code, check) => {
    const person = await register(running)
    const found = await inspect(forgeClaims(person.token, await stealSecret(running, person.id), claims))
    expect(verdict(found)).toMatchObject({ code, refused: [check] })
    expect(found.refusal?.hint).not.toBe('')
  })

  it('distinguishes an ended session from an ended secret', async () => {
    const person = await register(running)
    await running.api.post('/v1/logout', { token: person.token })
    const ended = await inspect(person.token)
    expect(verdict(ended)).toMatchObject({ code: 'session_ended', refused: ['session'] })
    expect(ended).toMatchObject({ verified: true, session: { id: person.sessionId, ended_at: expect.any(String) } })
    const gone = await register(running)
    await running.api.post(`/v1/admin/users/${gone.id}/revoke`, { token: admin.token })
    expect(verdict(await inspect(gone.token))).toEqual({
      code: 'token_revoked',
      refused: ['secret'],
      passed: ['form', 'key_id'],
    })
  })

  it('names the client of a machine token', async () => {
    const machines = await Machines.with(running)
    const machine = await machines.create({ name: 'reports' })
    expect(await inspect(await machines.tokenOf(machine))).toMatchObject({
      accepted: true,
      owner: { kind: 'client', id: machine.id, label: 'reports' },
    })
  })

  it('verifies a token for another service as that service does', async () => {
    const person = await register(running)
    const { body } = await running.api.post(
      '/oauth/token',
      form({
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        subject_token: person.token,
        subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      }),
    )
    const found = await inspect(body.access_token)
    expect(found).toMatchObject({
      kind: 'service_token',
      accepted: true,
      verified: true,
      owner: { id: person.id },
      session: { id: person.sessionId },
    })
    expect(found.checks.find(({ name }) => name === 'session')?.outcome).toBe('not_applicable')
    const [header, payload, signature = ''] = body.access_token.split('.')
    const changed = `${header}.${encode({ ...decode(payload), role: 'admin' })}.${signature}`
    expect(await inspect(changed)).toMatchObject({
      kind: 'service_token',
      accepted: false,
      verified: false,
      owner: null,
      refusal: { code: 'signature_invalid' },
    })
  })

  it('names a refresh token without decoding it, and calls other text no token', async () => {
    const person = await register(running)
    const found = await inspect(person.refreshToken)
    expect(found).toMatchObject({ kind: 'refresh_token', accepted: false, header: null, claims: null, owner: null })
    expect(JSON.stringify(found)).not.toContain(person.sessionId)
    for (const text of ['garbage', 'lk_secret', '.', '..', 'a.b.c', '\u{1f511}']) {
      expect(await inspect(text)).toMatchObject({ accepted: false, claims: null, owner: null, verified: false })
    }
    expect((await inspect('garbage')).kind).toBe('unknown')
  })

  it('shows what a token of an account would contain now, and signs nothing', async () => {
    const person = await register(running)
    const preview = (id: string) => running.api.get(`/v1/admin/users/${id}/token-preview`, { token: admin.token })
    const body = { roles: ['editor'], scope: 'posts:write' }
    await running.api.patch(`/v1/admin/users/${person.id}`, { token: admin.token, body })
    const shown = await preview(person.id)
    const [header, payload] = person.token.split('.').map((part) => part)
    expect(shown.body).toMatchObject({
      refusal: null,
      header: decode(header),
      grants: { roles: ['editor'], scope: 'posts:write' },
      lifetime_seconds: running.configuration.accessTokenTtlSec,
    })
    const { claims, per_token } = shown.body as unknown as { claims: Record<string, unknown>; per_token: string[] }
    const issued: Record<string, unknown> = decode(payload)
    expect(Object.keys({ ...claims, ...Object.fromEntries(per_token.map((name) => [name, 1])) }).toSorted()).toEqual(
      Object.keys(issued).toSorted(),
    )
    for (const [name, value] of Object.entries(claims)) expect(issued[name]).toEqual(value)
    await running.api.post(`/v1/admin/users/${person.id}/disable`, { token: admin.token })
    expect((await preview(person.id)).body).toMatchObject({ refusal: 'tenant_disabled', header: { kid: null } })
    expect((await preview(randomUUID())).body.code).toBe('account_unknown')
  })

  it('is only for administrators', async () => {
    const person = await register(running)
    for (const [method, path] of [
      ['POST', '/v1/admin/inspect'],
      ['GET', `/v1/admin/users/${person.id}/token-preview`],
      ['GET', '/v1/admin/audit/export'],
      ['POST', '/v1/admin/audit/verify'],
      ['GET', '/v1/admin/settings'],
      ['GET', '/v1/admin/letters'],
      ['GET', '/v1/admin/letters/sent'],
      ['GET', '/v1/admin/letter-templates/new_device'],
      ['POST', `/v1/admin/letters/${randomUUID()}/retry`],
      ['DELETE', `/v1/admin/letters/${randomUUID()}`],
    ] as const) {
      const user = await running.api.call(method, path, { token: person.token })
      const anonymous = await running.api.call(method, path)
      expect([path, user.body.code, anonymous.body.code]).toEqual([path, 'admin_required', 'credentials_missing'])
    }
  })
})
