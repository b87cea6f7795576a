import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { importUsers } from '../../../src/admin/import-users.js'
import { lettersTo } from '../../support/letters.js'
import { createAdmin, freshEmail, password } from '../../support/people.js'
import { databases, startServer, type TestServer } from '../../support/start-server.js'

describe.each(databases)('the language of an account on %s', (database) => {
  let running: TestServer

  beforeAll(async () => {
    running = await startServer({ database })
  })
  afterAll(() => running.stop())

  const registerWith = async (acceptLanguage: string, email = freshEmail()) => {
    const headers = { 'accept-language': acceptLanguage }
    const { body } = await running.api.post('/v1/register', { headers, body: { email, password } })
    return { ...body.account, token: body.access_token }
  }
  const subjectsTo = async (email: string) => (await lettersTo(running, email)).map(({ subject }) => subject)
  const codeOf = ({ status, body }: { status: number; body?: { code?: string } }) => body?.code ?? status

  it('is the one that the registration asked for, and letters are written in it', async () => {
    const german = await registerWith('de-AT,de;q=0.9,en;q=0.8')
    expect(german.locale).toBe('de')
    const [letter] = await lettersTo(running, german.email)
    expect(letter?.subject).toBe('Bestätigen Sie Ihre E-Mail-Adresse')
    expect(letter?.html).toContain('<html lang="de" dir="ltr">')
    expect(letter?.link).toBe(`http://issuer.test/verify-email#token=${letter?.token}`)
    expect((await registerWith('zh-CN')).locale).toBe('zh-Hans')
  })

  it('is none if the request asks for none, and letters are then in that of the setting', async () => {
    for (const header of ['*', 'tlh', '']) {
      const { locale, email } = await registerWith(header)
      expect(locale).toBeNull()
      expect(await subjectsTo(email)).toEqual(['Verify your e-mail address'])
    }
  })

  it('decides over the language of a later request', async () => {
    const { email } = await registerWith('ar')
    const headers = { 'accept-language': 'fr' }
    await running.api.post('/v1/password/forgot', { headers, body: { email } })
    const [verify, reset] = await lettersTo(running, email)
    expect([verify?.subject, reset?.subject]).toEqual(['أكّد بريدك الإلكتروني', 'أعد تعيين كلمة مرورك'])
    expect(reset?.html).toContain('<html lang="ar" dir="rtl">')
    expect(reset?.text).toContain('\u2068issuer.test\u2069')
  })

  it('is that of the request for a letter if the account has none', async () => {
    const { email } = await registerWith('*')
    await running.api.post('/v1/password/forgot', { headers: { 'accept-language': 'ja' }, body: { email } })
    expect(await subjectsTo(email)).toEqual(['Verify your e-mail address', 'パスワードの再設定'])
  })

  it('can be changed by the owner to one that is offered, and removed', async () => {
    const { token, email } = await registerWith('de')
    const change = (body: unknown) => running.api.patch('/v1/me', { token, body })
    expect((await change({ locale: 'it' })).body).toMatchObject({ locale: 'it', name: null })
    expect((await change({ name: 'Ada' })).body).toMatchObject({ locale: 'it', name: 'Ada' })
    expect((await change({ locale: null })).body).toMatchObject({ locale: null, name: 'Ada' })
    for (const locale of ['tlh', 'de-AT', '', 5, '../en', ['de']]) {
      expect(codeOf(await change({ locale }))).toBe('validation_failed')
    }
    expect((await running.api.get('/v1/me', { token })).body.locale).toBeNull()
    await change({ email: freshEmail(), password, locale: 'nl' })
    expect((await subjectsTo(email)).at(0)).toBe('Bestätigen Sie Ihre E-Mail-Adresse')
    const { body } = await running.api.get('/v1/me', { token })
    expect(body.locale).toBe('nl')
  })

  it('can be changed by an administrator, and the change is in the audit log', async () => {
    const admin = await createAdmin(running)
    const { id, token } = await registerWith('de')
    const change = (body: unknown, by = admin.token) => running.api.patch(`/v1/admin/users/${id}`, { token: by, body })
    expect((await change({ locale: 'es' })).body.locale).toBe('es')
    const { body } = await running.api.get(`/v1/admin/audit?account=${id}&limit=1`, { token: admin.token })
    expect(body.entries).toMatchObject([{ event: 'profile_change', actor: admin.id, account: id }])
    expect((await change({ locale: null, scope: 'a:b' })).body).toMatchObject({ locale: null, scope: 'a:b' })
    expect(codeOf(await change({ locale: 'xx' }))).toBe('validation_failed')
    expect(codeOf(await change({ locale: 'fr' }, token))).toBe('admin_required')
  })

  it('is imported with the nearest language, and a text that is no language is refused', async () => {
    const [near, none, wrong] = [freshEmail(), freshEmail(), freshEmail()]
    const rows = [
      { email: near, locale: 'pt_BR' },
      { email: none, locale: 'tlh' },
      { email: wrong, locale: 'no language' },
    ]
    const faults: string[] = []
    async function* lines() {
      for (const [index, value] of rows.entries()) yield { number: index + 1, value }
    }
    await importUsers(running.server.service, lines(), {
      dryRun: false,
      signal: new AbortController().signal,
      onFault: (line, fault) => faults.push(`${line} ${fault}`),
      onProgress: () => {},
    })
    expect(faults).toEqual(['3 locale_invalid'])
    const { administration } = running.server.service
    expect((await administration.find(near)).locale).toBe('pt')
    expect((await administration.find(none)).locale).toBeNull()
  })

  it('of an invitation is that of the administrator’s choice', async () => {
    const admin = await createAdmin(running)
    const invite = async (more: object) => {
      const email = freshEmail()
      const headers = { 'accept-language': 'fr' }
      const body = { email, delivery: 'mail', ...more }
      await running.api.post('/v1/admin/invitations', { token: admin.token, headers, body })
      return subjectsTo(email)
    }
    expect(await invite({ locale: 'nl' })).toEqual(['U bent uitgenodigd'])
    expect(await invite({})).toEqual(['You are invited'])
  })

  it('is that of the request if a letter goes to an address without an account', async () => {
    const byMail = await running.startAnother({ configuration: { registration: 'by-mail' } })
    try {
      const email = freshEmail()
      const headers = { 'accept-language': 'es-MX' }
      await byMail.api.post('/v1/register', { headers, body: { email, password } })
      const [letter] = await lettersTo(byMail, email)
      expect(letter?.subject).toBe('Complete su registro')
      const body = { token: letter?.token, password }
      const finished = await byMail.api.post('/v1/register/finish', { headers, body })
      expect(finished.body.account.locale).toBe('es')
    } finally {
      await byMail.server.close()
    }
  })

  it('is never one that the server does not offer', async () => {
    const languages = { locale: 'fr', offered: ['fr', 'de'], letters: undefined } as const
    const some = await startServer({ database, configuration: { languages } })
    try {
      const headers = { 'accept-language': 'it' }
      const email = freshEmail()
      const { body } = await some.api.post('/v1/register', { headers, body: { email, password } })
      expect(body.account.locale).toBeNull()
      // The account of a time when the server offered it.
      await some.server.service.store.query('update server_accounts set locale = $1 where email = $2', ['it', email])
      await some.api.post('/v1/password/forgot', { headers, body: { email } })
      expect((await lettersTo(some, email)).at(-1)?.subject).toBe('Réinitialisez votre mot de passe')
      const { access_token: token } = body
      expect(codeOf(await some.api.patch('/v1/me', { token, body: { locale: 'it' } }))).toBe('validation_failed')
      expect((await some.api.patch('/v1/me', { token, body: { locale: 'de' } })).body.locale).toBe('de')
    } finally {
      await some.stop()
    }
  })
})

describe('letters of an operator', () => {
  it('are sent instead of those of the server, and a server with faulty ones does not start', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'latchkey-letters-'))
    const languages = { locale: 'en', offered: ['en', 'de'], letters: folder } as const
    const write = (content: object) => writeFile(join(folder, 'en.json'), JSON.stringify(content))
    try {
      await write({ 'letter.verify_email.body': 'Welcome!' })
      await expect(startServer({ database: 'sqlite', configuration: { languages } })).rejects.toMatchObject({
        code: 'letters_invalid',
      })
      await write({ 'letter.verify_email.subject': 'Welcome', 'letter.verify_email.body': 'Welcome!\n\n{$link}' })
      const running = await startServer({ database: 'sqlite', configuration: { languages } })
      try {
        const email = freshEmail()
        await running.api.post('/v1/register', { body: { email, password } })
        const [letter] = await lettersTo(running, email)
        expect(letter?.subject).toBe('Welcome')
        expect(letter?.text.trim()).toBe(`Welcome!\n\n${letter?.link}`)
      } finally {
        await running.stop()
      }
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})
