import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { revokeAllLinks } from '../../../src/accounts/one-time-tokens.js'
import { holdLetters, lettersTo, newestLetter } from '../../support/letters.js'
import { form } from '../../support/machines.js'
import { createAdmin, freshEmail, login, type Person, password } from '../../support/people.js'
import { databases, startServer, type TestServer } from '../../support/start-server.js'

const invited = 'You are invited'
const weekMs = 604_800_000

describe.each(databases)('invitations on %s', (database) => {
  let running: TestServer
  let admin: Person

  beforeAll(async () => {
    running = await startServer({ database, configuration: { registration: 'invited' } })
    admin = await createAdmin(running)
  })
  afterAll(() => running.stop())

  const invite = (email: string, delivery: 'mail' | 'link' = 'link') =>
    running.api.post('/v1/admin/invitations', { token: admin.token, body: { email, delivery } })
  const accept = (token: string, { api } = running) =>
    api.post('/v1/register/invited', { body: { token, password, name: 'Ada' } })
  const handedOut = async (email: string) => tokenIn((await invite(email)).body.url)
  const pending = async () => (await running.api.get('/v1/admin/invitations?limit=100', { token: admin.token })).body
  const accounts = async () => {
    const { rows } = await running.server.service.store.query('select id from server_accounts order by id')
    return rows
  }

  it('create an account with a verified address when the link was mailed to that address only', async () => {
    const email = freshEmail()
    const { status, body } = await invite(email.toUpperCase(), 'mail')
    expect([status, body.email, body.delivery, body.url, body.mailed_at]).toEqual([201, email, 'mail', undefined, null])
    const { token, link } = await newestLetter(running, email, invited)
    expect(link).toBe(`http://issuer.test/accept-invitation#token=${token}`)
    const { status: made, body: signedIn } = await accept(token)
    expect(made).toBe(201)
    expect(signedIn.account).toMatchObject({ email, email_verified: true, name: 'Ada', role: 'user' })
    expect((await login(running, email)).id).toBe(signedIn.account.id)
    expect((await accept(token)).body.code).toBe('link_invalid')
  })

  it('leave the address unverified when an administrator hands the link out', async () => {
    const email = freshEmail()
    const { body } = await invite(email)
    expect(body.url).toMatch(/^http:\/\/issuer\.test\/accept-invitation#token=[\w-]{43}$/)
    expect([body.delivery, body.mailed_at, body.invited_by]).toEqual(['link', null, admin.id])
    const { status, body: signedIn } = await accept(tokenIn(body.url))
    expect([status, signedIn.account]).toEqual([201, expect.objectContaining({ email, email_verified: false })])
    // Only the letter that verifies the address, and no notification.
    expect((await lettersTo(running, email)).map(({ subject }) => subject)).toEqual(['Verify your e-mail address'])
  })

  it('open no session before the address is verified, where verification is required', async () => {
    const strict = await running.startAnother({ configuration: { unverifiedSignIn: 'refuse' } })
    const [handed, mailed] = [freshEmail(), freshEmail()]
    expect((await accept(await handedOut(handed), strict)).status).toBe(202)
    await expect(login(strict, handed)).rejects.toThrow('email_unverified')
    await invite(mailed, 'mail')
    expect((await accept((await newestLetter(running, mailed, invited)).token, strict)).status).toBe(201)
    await strict.stop()
  })

  it('work once under concurrent use', async () => {
    const token = await handedOut(freshEmail())
    const answers = await Promise.all(Array.from({ length: 6 }, () => accept(token)))
    const outcomes = answers.map(({ status, body }) => (status === 201 ? 'made' : body.code)).toSorted()
    expect(outcomes).toEqual([...Array(5).fill('link_invalid'), 'made'])
  })

  it('end when they expire, are replaced, or are revoked', async () => {
    const email = freshEmail()
    const first = await handedOut(email)
    const { body } = await invite(email)
    expect((await accept(first)).body.code).toBe('link_invalid')
    const revoke = () => running.api.delete(`/v1/admin/invitations/${body.id}`, { token: admin.token })
    expect((await revoke()).status).toBe(204)
    expect((await revoke()).body.code).toBe('invitation_unknown')
    expect((await accept(tokenIn(body.url))).body.code).toBe('link_invalid')
    const { service } = running.server
    const late = await handedOut(freshEmail())
    const wayBack = `update server_invitations set expires_at = expires_at - ${weekMs}`
    await service.store.query(wayBack)
    expect((await accept(late)).body.code).toBe('link_invalid')
    expect((await pending()).invitations).toEqual([])
    await service.invitations.prune()
    expect((await service.store.query('select id from server_invitations')).rows).toEqual([])
  })

  it('are not mailed once they were revoked or replaced, or the address has an account', async () => {
    const [revoked, replaced, taken] = [freshEmail(), freshEmail(), freshEmail()]
    const link = await handedOut(taken)
    // Otherwise the job may run between an invitation and its end, and rightly mail it.
    const resumeLetters = await holdLetters(running)
    const { body } = await invite(revoked, 'mail')
    await running.api.delete(`/v1/admin/invitations/${body.id}`, { token: admin.token })
    await invite(replaced, 'mail')
    const handed = await handedOut(replaced)
    await running.server.service.adminCreation.createAdmin({ email: taken, password })
    resumeLetters()
    for (const email of [revoked, replaced, taken]) expect(await lettersTo(running, email)).toEqual([])
    expect((await accept(handed)).status).toBe(201)
    expect((await accept(link)).body.code).toBe('email_taken')
    expect((await invite(taken)).body.code).toBe('email_taken')
  })

  it('have a separate quota, which letters requested by others do not use up', async () => {
    const email = freshEmail()
    const open = await running.startAnother({ configuration: { registration: 'by-mail' } })
    for (let n = 0; n < 5; n += 1) await open.api.post('/v1/register', { body: { email, password } })
    await lettersTo(open, email)
    for (let n = 0; n < 6; n += 1) {
      await invite(email, 'mail')
      await lettersTo(running, email)
    }
    await open.stop()
    const letters = await lettersTo(running, email)
    expect(letters.filter(({ subject }) => subject === invited)).toHaveLength(4)
  })

  it('are listed page by page without their tokens, and are in the audit log', async () => {
    const emails = [freshEmail(), freshEmail(), freshEmail()]
    const tokens = await Promise.all(emails.map(handedOut))
    const listed = (await pending()).invitations.map(({ email }) => email)
    expect(listed).toEqual(expect.arrayContaining(emails))
    const path = '/v1/admin/invitations?limit=2'
    const { body: page } = await running.api.get(path, { token: admin.token })
    const { body: next } = await running.api.get(`${path}&cursor=${page.next_cursor}`, { token: admin.token })
    expect([...page.invitations, ...next.invitations].map(({ email }) => email)).toEqual(listed.slice(0, 4))
    const { rows } = await running.server.service.store.query('select * from server_invitations')
    for (const token of tokens) {
      // Neither the token nor an unkeyed hash of it is stored.
      const plain = createHash('sha256').update(token).digest('base64url')
      expect(JSON.stringify(rows)).not.toContain(token)
      expect(JSON.stringify(rows)).not.toContain(plain.slice(0, 24))
    }
    const { body } = await running.api.get('/v1/admin/audit?event=invitation_create&limit=3', { token: admin.token })
    for (const entry of body.entries) {
      expect(entry).toMatchObject({ actor: admin.id, session: admin.sessionId, account: null, outcome: 'done' })
      expect(JSON.stringify(entry)).not.toContain('@')
    }
    const { body: signedIn } = await accept(tokens[0] ?? '')
    const registered = `/v1/admin/audit?event=register&account=${signedIn.account.id}`
    const { body: log } = await running.api.get(registered, { token: admin.token })
    expect(log.entries.map(({ detail }) => detail?.invitation)).toEqual([expect.any(String)])
  })

  it('work for no other address, and end with the other links when keys are replaced', async () => {
    const { body } = await accept(await handedOut(freshEmail()))
    const token = body.access_token
    for (const [method, path] of [
      ['GET', '/v1/admin/invitations'],
      ['POST', '/v1/admin/invitations'],
      ['DELETE', `/v1/admin/invitations/${admin.id}`],
    ] as const) {
      const sent = method === 'POST' ? { body: { email: freshEmail(), delivery: 'link' } } : {}
      expect((await running.api.call(method, path, { token, ...sent })).body.code).toBe('admin_required')
      expect((await running.api.call(method, path, sent)).body.code).toBe('credentials_missing')
    }
    const left = await handedOut(freshEmail())
    await running.server.service.store.transaction(revokeAllLinks)
    expect((await accept(left)).body.code).toBe('link_invalid')
  })

  it('are the only registration in mode "invited", and do not work in mode "closed"', async () => {
    const open = await running.startAnother({ configuration: { registration: 'by-mail' } })
    const closed = await running.startAnother({ configuration: { registration: 'closed' } })
    const [applied, late] = [freshEmail(), freshEmail()]
    await open.api.post('/v1/register', { body: { email: applied, password } })
    const { token: finish } = await newestLetter(open, applied, 'Finish your registration')
    // Only servers where registration is no longer open handle this request.
    await holdLetters(open)
    await open.api.post('/v1/register', { body: { email: late, password } })
    const handed = await handedOut(freshEmail())
    await invite(freshEmail(), 'mail')
    const before = await accounts()
    for (const { api } of [running, closed]) {
      const register = (email: string, secret = password) =>
        api.post('/v1/register', { body: { email, password: secret } })
      const answers = [await register(admin.email), await register(freshEmail()), await register(admin.email, 'short')]
      const refusals = answers.map(({ status, body: { request_id: _, ...body } }) => ({ status, body }))
      expect(refusals.map(({ body }) => body.code)).toEqual(Array(3).fill('registration_closed'))
      expect(new Set(refusals.map((answer) => JSON.stringify(answer))).size).toBe(1)
      const finished = await api.post('/v1/register/finish', { body: { token: finish, password } })
      expect(finished.body.code).toBe('registration_closed')
      await api.post('/oauth/token', form({ grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange' }))
    }
    expect((await accept(handed, closed)).body.code).toBe('registration_closed')
    expect((await closed.api.post('/v1/admin/invitations', invitation(admin))).body.code).toBe('registration_closed')
    // Links from the time when registration was open or by invitation get no answer any more.
    expect(await lettersTo(closed, late)).toEqual([])
    expect(await accounts()).toEqual(before)
    await open.stop()
    await closed.stop()
  })

  it('do not let a change of address reveal accounts', async () => {
    const { token } = await login(running, admin.email)
    for (const email of [(await createAdmin(running)).email, freshEmail()]) {
      const { status } = await running.api.patch('/v1/me', { token, body: { email, password } })
      expect(status).toBe(200)
    }
  })
})

describe('invitations on a server without mail', () => {
  it('can be handed out, but not mailed', async () => {
    const noMail = { carrier: undefined, from: { name: '', address: 'no-reply@localhost' } } as const
    const links = { linkBase: 'http://issuer.test', resetLinkTtlSec: 60, verifyLinkTtlSec: 60 }
    const running = await startServer({
      database: 'sqlite',
      configuration: { registration: 'invited', mail: { ...noMail, ...links } },
    })
    const { token } = await createAdmin(running)
    const invite = (delivery: string) =>
      running.api.post('/v1/admin/invitations', { token, body: { email: freshEmail(), delivery } })
    expect((await invite('mail')).body.code).toBe('mail_unavailable')
    expect((await invite('link')).status).toBe(201)
    await running.stop()
  })
})

function invitation({ token }: Person) {
  return { token, body: { email: freshEmail(), delivery: 'link' } }
}

function tokenIn(url: string | undefined): string {
  return url?.split('#token=')[1] ?? ''
}
