import { Keyring, tenantSecrets } from 'latchkey'
import { postgresStore } from 'latchkey/postgres'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createDeployment, openStore, startServer as startProcess } from '../../../../../test/support/server-process.js'
import { ApiClient } from '../../support/api-client.js'
import { deliverLetters } from '../../support/letters.js'
import { type Mailbox, startMailbox } from '../../support/mailbox.js'
import { freshEmail, password, register } from '../../support/people.js'
import { databases, startServer, type TestServer } from '../../support/start-server.js'

const minute = 60_000
const metricsToken = 'a-token-for-the-scraper'

/** Starts a server that sends its letters to this mail server. */
async function startMailing(database: (typeof databases)[number], { url }: Mailbox): Promise<TestServer> {
  const plain = await startServer({ database })
  const carrier = { kind: 'smtp', url } as const
  const from = { name: 'Example Shop', address: 'no-reply@shop.example' }
  const mail = { ...plain.configuration.mail, carrier, from, linkBase: 'https://shop.example/account' }
  const mailing = await plain.startAnother({ configuration: { mail, metricsTokens: [metricsToken] } })
  await plain.server.close()
  return { ...mailing, stop: () => mailing.stop().then(() => plain.stop()) }
}

const waiting = async ({ server }: TestServer) =>
  (
    await server.service.store.query<{ attempts: number; dueAt: number }>(
      'select attempts, due_at as "dueAt" from server_outbox',
    )
  ).rows

const metric = async ({ url }: TestServer, line: RegExp) => {
  const scrape = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${metricsToken}` } })
  return line.exec(await scrape.text())?.[1]
}

describe.each(databases)('letters from %s', (database) => {
  let mailbox: Mailbox
  let running: TestServer

  beforeEach(async () => {
    mailbox = await startMailbox()
    running = await startMailing(database, mailbox)
  })
  afterEach(async () => {
    await running.stop()
    await mailbox.close()
  })

  const deliver = () => deliverLetters(running)
  const forgot = (email: string) => running.api.post('/v1/password/forgot', { body: { email } })

  it('arrive within moments, with the sender and the pages of the settings, as text and as HTML', async () => {
    const { email } = await register(running)
    const [letter] = await mailbox.received(1)
    expect(letter).toMatchObject({ to: email, from: 'no-reply@shop.example', subject: 'Verify your e-mail address' })
    expect(letter?.link).toMatch(/^https:\/\/shop\.example\/account\/verify-email#token=[\w-]{43}$/)
    expect(letter?.html).toContain(`<a href="${letter?.link}">`)
    expect(letter?.headers).toContainEqual(expect.objectContaining({ key: 'auto-submitted', value: 'auto-generated' }))
    await expect.poll(() => waiting(running)).toEqual([])
    await expect.poll(() => metric(running, /latchkey_mail_total\{outcome="sent"\} (\d+)/)).toBe('1')
    await expect.poll(() => metric(running, /latchkey_mail_waiting (\d+)/)).toBe('0')
  })

  it('wait while the mail server is unavailable, and delay no request', async () => {
    const { port } = mailbox
    await mailbox.close()
    const { email } = await register(running)
    await deliver()
    expect((await forgot(email)).status).toBe(202)
    await deliver()
    expect(await waiting(running)).toHaveLength(2)
    await expect.poll(() => metric(running, /latchkey_mail_waiting (\d+)/)).toBe('2')
    expect(Number(await metric(running, /latchkey_mail_total\{outcome="delayed"\} (\d+)/))).toBeGreaterThan(0)
    expect((await running.api.get('/readyz')).status).toBe(200)
    mailbox = await startMailbox(port)
    running.clock.advance(minute)
    await deliver()
    expect((await mailbox.received(2)).map(({ to }) => to)).toEqual([email, email])
    expect(new Set(mailbox.letters.map(({ token }) => token)).size).toBe(2)
  })

  it('that the mail server refuses temporarily are retried at growing intervals, and permanently refused ones are dropped', async () => {
    mailbox.refuse({ responseCode: 451, at: 'message' })
    const { clock } = running
    let begun = clock.now()
    const { id } = await register(running)
    for (let attempt = 1; attempt <= 4; attempt += 1) {
      await deliver()
      const [letter] = await waiting(running)
      const delayMs = 2000 * 2 ** (attempt - 1)
      expect(letter?.attempts).toBe(attempt)
      expect(letter?.dueAt).toBeGreaterThanOrEqual(begun + delayMs)
      expect(letter?.dueAt).toBeLessThanOrEqual(clock.now() + delayMs)
      begun = letter?.dueAt ?? 0
      clock.advance(Math.max(0, begun - clock.now()))
    }
    mailbox.refuse({ responseCode: 550, at: 'recipient' })
    await deliver()
    expect(await waiting(running)).toEqual([])
    expect(await metric(running, /latchkey_mail_total\{outcome="failed"\} (\d+)/)).toBe('1')
    const { rows } = await running.server.service.store.query<{ event: string }>(
      'select event from server_audit where account_id = $1 order by id',
      [id],
    )
    expect(rows.map(({ event }) => event)).toEqual(['register', 'mail_failed'])
    expect(mailbox.letters).toEqual([])
  })

  it('are dropped in the end', async () => {
    mailbox.refuse({ responseCode: 451, at: 'message' })
    const { token } = await register(running)
    mailbox.refuse(undefined)
    const [verification] = await mailbox.received(1)
    await running.api.post('/v1/email/verify', { token, body: { token: verification?.token } })
    mailbox.refuse({ responseCode: 451, at: 'message' })
    const body = { current_password: password, new_password: 'a different staple for the horse' }
    await running.api.post('/v1/me/password', { token, body })
    await running.server.service.store.query('update server_outbox set attempts = 32, due_at = 0')
    await deliver()
    expect(await waiting(running)).toMatchObject([{ attempts: 33 }])
    running.clock.advance(60 * minute)
    await deliver()
    expect(await waiting(running)).toEqual([])
  })

  it('whose link has expired by then are not sent', async () => {
    mailbox.refuse({ responseCode: 451, at: 'message' })
    await register(running)
    await deliver()
    mailbox.refuse(undefined)
    running.clock.advance(25 * 60 * minute)
    await deliver()
    expect(await waiting(running)).toEqual([])
    expect(mailbox.letters).toEqual([])
  })

  it('go to one recipient, whatever the spelling of the address', async () => {
    const addresses = [
      "o'hara+x@example.com",
      'a%0d%0abcc@example.com',
      'jörg@bücher.example',
      '=?utf-8?q?x?=@example.com',
    ]
    for (const email of addresses) {
      expect((await running.api.post('/v1/register', { body: { email, password } })).status).toBe(201)
    }
    for (const email of ['a@b.example\r\nBcc: c@d.example', 'a@b.example,c@d.example', 'a <c@d.example>']) {
      expect((await running.api.post('/v1/register', { body: { email, password } })).body.code).toBe('email_invalid')
      await forgot(email)
    }
    await deliver()
    // The test is not about addresses that a mail server refuses because it supports only ASCII.
    await mailbox.received(3)
    for (const { headers } of mailbox.letters) {
      expect(headers.filter(({ key }) => ['to', 'cc', 'bcc', 'subject', 'from'].includes(key))).toHaveLength(3)
    }
    expect(mailbox.letters.map(({ to }) => to)).toEqual(expect.arrayContaining(["o'hara+x@example.com"]))
  })

  it('are unreadable in the outbox, and useless when they are moved in it', async () => {
    mailbox.refuse({ responseCode: 451, at: 'message' })
    await register(running)
    await register(running)
    const { store } = running.server.service
    await deliver()
    const { rows } = await store.query<{ id: string; sealed: string }>(
      'select id, sealed from server_outbox order by id',
    )
    const [one, other] = rows
    expect(Buffer.from(one?.sealed ?? '', 'base64url').toString('latin1')).not.toContain('verify_email')
    await store.query('update server_outbox set sealed = $1 where id = $2', [one?.sealed, other?.id])
    mailbox.refuse(undefined)
    running.clock.advance(minute)
    expect(await mailbox.received(1)).toHaveLength(1)
    await expect.poll(() => waiting(running)).toHaveLength(1)
  })

  it('do not prevent a server from stopping', async () => {
    mailbox.refuse({ responseCode: 451, at: 'message' })
    await register(running)
    await running.server.close()
    expect(mailbox.letters).toEqual([])
  })
})

describe('letters of several servers on one PostgreSQL', () => {
  it('are sent once each', async () => {
    const mailbox = await startMailbox()
    const first = await startMailing('postgres', mailbox)
    const others = [await first.startAnother(), await first.startAnother()]
    const servers = [first, ...others]
    const emails = Array.from({ length: 24 }, freshEmail)
    await Promise.all(emails.map((email, index) => register(servers[index % servers.length] ?? first, email)))
    await Promise.all(servers.map(({ server }) => server.service.mail.outboxWorker?.deliver()))
    await expect.poll(() => waiting(first)).toEqual([])
    expect(mailbox.letters.map(({ to }) => to).toSorted()).toEqual(emails.toSorted())
    for (const server of [...others, first]) await server.stop()
    await mailbox.close()
  })
})

describe('letters that are sealed under an older master key', () => {
  it('are sent after all data was sealed under a newer one, and the older one is gone', async () => {
    const away = await startMailbox()
    await away.close()
    const [old, next] = [Keyring.generate('old'), Keyring.generate('next')]
    const deployment = await createDeployment('postgres', {
      LATCHKEY_MASTER_KEYS: old,
      LATCHKEY_SMTP_URL: away.url,
      LATCHKEY_MAIL_FROM: 'no-reply@shop.example',
    })
    const server = await startProcess(deployment)
    const api = await ApiClient.connect(server.url)
    const email = freshEmail()
    await api.post('/v1/register', { body: { email, password } })
    await server.stop()
    const store = postgresStore({ connectionString: deployment.env.DATABASE_URL ?? '' })
    const keys = tenantSecrets({ store, masterKeys: `${next},${old}` })
    await keys.rewrap()
    await keys.close()
    await store.close()
    const mailbox = await startMailbox(away.port)
    const later = await startProcess({ env: { ...deployment.env, LATCHKEY_MASTER_KEYS: next } })
    expect((await mailbox.received(1))[0]?.to).toBe(email)
    await later.stop()
    await mailbox.close()
    await deployment.dispose()
  })
})

describe.each(databases)('a server on %s that is killed', (database) => {
  it('loses no letter of an acknowledged request', async () => {
    const away = await startMailbox()
    await away.close()
    const deployment = await createDeployment(database, {
      LATCHKEY_SMTP_URL: away.url,
      LATCHKEY_MAIL_FROM: 'no-reply@shop.example',
    })
    const acknowledged: string[] = []
    for (let round = 0; round < 4; round += 1) {
      const server = await startProcess(deployment)
      const api = await ApiClient.connect(server.url)
      const attempts = Array.from({ length: 6 }, async () => {
        const email = freshEmail()
        const { status } = await api.post('/v1/register', { body: { email, password } })
        if (status === 201) acknowledged.push(email)
      })
      // The server is killed while some requests are done and others are not.
      const some = expect.poll(() => acknowledged.length).toBeGreaterThan(round * 3)
      await Promise.race([Promise.all(attempts), some])
      await server.kill()
      await Promise.allSettled(attempts)
    }
    expect(acknowledged.length).toBeGreaterThan(3)
    // Letters that the dead process had claimed are sent when its lease ends.
    const store = openStore(deployment)
    await store.query('update server_outbox set due_at = 0')
    await store.close()
    const mailbox = await startMailbox(away.port)
    const last = await startProcess(deployment)
    await expect.poll(() => acknowledged.filter((email) => !mailbox.letters.some(({ to }) => to === email))).toEqual([])
    await last.stop()
    await mailbox.close()
    await deployment.dispose()
  })
})
