import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { pruneLetters } from '../../../src/mail/letter-log.js'
import { letterNames } from '../../support/all-letters.js'
import { deliverLetters, holdLetters } from '../../support/letters.js'
import { createAdmin, type Person, register } from '../../support/people.js'
import { type ScriptedMailServer, startScriptedMailServer } from '../../support/scripted-mail-server.js'
import { databases, startServer, type TestServer } from '../../support/start-server.js'

describe.each(databases)('the letters of an administrator on %s', (database) => {
  let plain: TestServer
  let running: TestServer
  let mailServer: ScriptedMailServer
  let admin: Person
  let release: () => void

  beforeAll(async () => {
    plain = await startServer({ database })
    await holdLetters(plain)
    mailServer = await startScriptedMailServer()
    const from = { name: 'Shop', address: 'no-reply@shop.example' }
    const mail = { ...plain.configuration.mail, carrier: { kind: 'smtp', url: mailServer.url } as const, from }
    running = await plain.startAnother({ configuration: { mail } })
    admin = await createAdmin(running)
  }, 60_000)
  afterAll(async () => {
    await running.stop()
    await plain.stop()
    await mailServer.close()
  })
  beforeEach(async () => {
    mailServer.answer({})
    release = await holdLetters(running)
    await running.server.service.store.query('delete from server_outbox')
  })
  afterEach(() => release())

  const get = (path: string) => running.api.get(`/v1/admin/letters${path}`, { token: admin.token })
  const waiting = async () => (await get('')).body.letters
  const sent = async (query = '') => (await get(`/sent${query}`)).body.letters
  const act = (method: string, path: string) =>
    running.api.call(method, `/v1/admin/letters/${path}`, { token: admin.token })
  /** Sends the letters that are due now, and no others. */
  const deliver = async () => {
    release()
    await deliverLetters(running)
    release = await holdLetters(running)
  }

  it('are listed while they wait, with a masked recipient, and without text and link', async () => {
    const person = await register(running)
    const answer = await get('')
    expect(answer.body).toMatchObject({
      enabled: true,
      waiting: 1,
      letters: [{ kind: 'verify_email', state: 'waiting' }],
    })
    const [letter] = answer.body.letters
    expect(letter).toMatchObject({ account: person.id, attempts: 0, last_error: null })
    expect(letter?.to).toBe(`${person.email[0]}…@example.com`)
    expect(answer.text).not.toContain(person.email)
    expect(answer.text).not.toMatch(/token|https?:/)
  })

  it('are recorded when they are sent, for the account, and without text, link and address', async () => {
    const person = await register(running)
    const [queued] = await waiting()
    await deliver()
    expect(await waiting()).toEqual([])
    const answer = await get(`/sent?account=${person.id}`)
    expect(answer.body.letters).toMatchObject([
      { id: queued?.id, account: person.id, kind: 'verify_email', outcome: 'sent' },
    ])
    expect(answer.text).not.toContain(person.email)
    const { rows } = await running.server.service.store.query('select * from server_letters where id = $1', [
      queued?.id,
    ])
    expect(Object.keys(rows[0] ?? {}).toSorted()).toEqual(['account_id', 'at', 'id', 'kind', 'outcome'])
  })

  it('say why they are late, are sent at once after a retry, and the retry is recorded', async () => {
    mailServer.answer({ RCPT: '451 4.7.1 Greylisted' })
    const person = await register(running)
    await deliver()
    const [late] = await waiting()
    expect(late).toMatchObject({ state: 'delayed', attempts: 1, last_error: 'EENVELOPE 451 4.7.1' })
    mailServer.answer({})
    const answer = await act('POST', `${late?.id}/retry`)
    expect([answer.status, answer.body.id]).toEqual([200, late?.id])
    await deliver()
    expect(await sent(`?account=${person.id}`)).toMatchObject([{ outcome: 'sent' }])
    const { body } = await running.api.get('/v1/admin/audit?event=letter_retry', { token: admin.token })
    expect(body.entries[0]).toMatchObject({ actor: admin.id, account: person.id, detail: { kind: 'verify_email' } })
  })

  it('are recorded as failed when the mail server refuses the recipient for good', async () => {
    mailServer.answer({ RCPT: '550 5.1.1 No such user' })
    const person = await register(running)
    await deliver()
    expect(await sent(`?account=${person.id}`)).toMatchObject([{ kind: 'verify_email', outcome: 'failed' }])
  })

  it('are never sent after they were dropped, and the drop is recorded', async () => {
    const person = await register(running)
    const [letter] = await waiting()
    expect((await act('DELETE', letter?.id ?? '')).status).toBe(204)
    const takenBefore = mailServer.taken.length
    await deliver()
    expect(mailServer.taken.length).toBe(takenBefore)
    expect(await sent(`?account=${person.id}`)).toMatchObject([{ outcome: 'dropped' }])
    const { body } = await running.api.get('/v1/admin/audit?event=letter_drop', { token: admin.token })
    expect(body.entries[0]).toMatchObject({ actor: admin.id, account: person.id, detail: { letter: letter?.id } })
    for (const [method, path] of [
      ['DELETE', `${letter?.id}`],
      ['POST', `${letter?.id}/retry`],
      ['POST', `${randomUUID()}/retry`],
    ] as const)
      expect((await act(method, path)).body.code).toBe('letter_unknown')
  })

  it('cannot be changed while a server sends them, so that none is sent twice by a retry', async () => {
    await register(running)
    const [claimed] = await running.server.service.mail.outbox.claim({ limit: 1, leaseMs: 60_000 })
    expect(await waiting()).toMatchObject([{ state: 'sending', attempts: 1 }])
    for (const [method, path] of [
      ['DELETE', `${claimed?.id}`],
      ['POST', `${claimed?.id}/retry`],
    ] as const)
      expect((await act(method, path)).body.code).toBe('letter_sending')
    running.clock.advance(61_000)
    expect((await act('POST', `${claimed?.id}/retry`)).status).toBe(200)
  })

  it('that cannot be decrypted are listed, and can be dropped', async () => {
    await register(running)
    await running.server.service.store.query(`update server_outbox set sealed = 'AAAA'`)
    const [letter] = await waiting()
    expect(letter).toMatchObject({ kind: 'unreadable', to: null, account: null })
    expect((await act('DELETE', letter?.id ?? '')).status).toBe(204)
  })

  it('are listed page by page, each one once', async () => {
    for (let i = 0; i < 5; i += 1) await register(running)
    const walk = async (path: string) => {
      const ids: string[] = []
      for (let cursor: string | null = ''; cursor !== null; ) {
        const { body } = await get(`${path}?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`)
        ids.push(...body.letters.map(({ id }) => id))
        cursor = body.next_cursor
      }
      return ids
    }
    const queued = await walk('')
    expect([queued.length, new Set(queued).size]).toEqual([5, 5])
    await deliver()
    const left = await walk('/sent')
    expect(left).toEqual(left.toSorted().toReversed())
    expect(queued.every((id) => left.includes(id))).toBe(true)
  })

  it('leave with the account, and after 90 days', async () => {
    const person = await register(running)
    const kept = await register(running)
    await deliver()
    await running.api.delete(`/v1/admin/users/${person.id}`, { token: admin.token })
    expect(await sent(`?account=${person.id}`)).toEqual([])
    const { store, clock } = running.server.service
    await pruneLetters(store, clock.now() + 89 * 86_400_000)
    expect(await sent(`?account=${kept.id}`)).toHaveLength(1)
    await pruneLetters(store, clock.now() + 91 * 86_400_000)
    expect(await sent()).toEqual([])
  })

  it('of an account that was deleted meanwhile are sent once, and not recorded', async () => {
    const person = await register(running)
    await running.api.delete(`/v1/admin/users/${person.id}`, { token: admin.token })
    await deliver()
    expect(await waiting()).toEqual([])
    expect(await sent(`?account=${person.id}`)).toEqual([])
  })

  it('have a preview in each language, with a link that has no effect', async () => {
    const template = (path: string) => running.api.get(`/v1/admin/letter-templates/${path}`, { token: admin.token })
    const preview = async (kind: string, locale: string) => (await template(`${kind}?locale=${locale}`)).text
    for (const kind of letterNames)
      expect(JSON.parse(await preview(kind, 'en'))).toMatchObject({ locale: 'en', dir: 'ltr' })
    const german = JSON.parse(await preview('reset_password', 'de'))
    expect(german).toMatchObject({ locale: 'de', locales: expect.arrayContaining(['en', 'ar']) })
    expect(german.text).toContain('/reset-password#token=EXAMPLE')
    expect(JSON.parse(await preview('new_device', 'ar'))).toMatchObject({ dir: 'rtl' })
    expect((await template('nothing')).body.code).toBe('validation_failed')
    expect((await template('new_device?locale=xx')).body.code).toBe('validation_failed')
  })
})
