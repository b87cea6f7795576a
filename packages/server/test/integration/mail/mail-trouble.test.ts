import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { freePort } from '../../../../../test/support/free-port.js'
import type { Delivery } from '../../../src/mail/outbox-worker.js'
import { Command } from '../../support/command.js'
import { deliverLetters } from '../../support/letters.js'
import { freshEmail, login, password, register } from '../../support/people.js'
import { type Answers, type ScriptedMailServer, startScriptedMailServer } from '../../support/scripted-mail-server.js'
import { startServer, type TestServer } from '../../support/start-server.js'

const minute = 60_000

let plain: TestServer
let running: TestServer
let mailServer: ScriptedMailServer
let delayed: Delivery[]
let failed: Delivery[]

/** Starts a server that sends its letters there, and only when a test makes it do so. */
async function startMailing(url: string): Promise<TestServer> {
  const from = { name: 'Example Shop', address: 'no-reply@shop.example' }
  const mail = { ...plain.configuration.mail, carrier: { kind: 'smtp', url } as const, from }
  return plain.startAnother({ configuration: { mail } })
}

const outboxWorkerOf = ({ server }: TestServer) => {
  const { outboxWorker } = server.service.mail
  if (outboxWorker === undefined) throw new Error('This server sends no mail.')
  return outboxWorker
}
const deliver = () => deliverLetters(running)

/** Delivers until the condition holds. */
const deliverUntil = (happened: () => boolean) =>
  expect.poll(() => deliver().then(happened), { timeout: 10_000 }).toBe(true)

beforeAll(async () => {
  plain = await startServer({ database: 'sqlite' })
  await plain.server.close()
  mailServer = await startScriptedMailServer()
})
afterAll(async () => {
  await plain.stop()
  await mailServer.close()
})

describe('a letter', () => {
  beforeAll(async () => {
    running = await startMailing(mailServer.url)
    outboxWorkerOf(running).on('delayed', (delivery) => delayed.push(delivery))
    outboxWorkerOf(running).on('failed', (delivery) => failed.push(delivery))
  })
  afterAll(() => running.stop())
  beforeEach(async () => {
    mailServer.answer({})
    await running.server.service.store.query('delete from server_outbox')
    delayed = []
    failed = []
  })

  /** Registers an account whose letter has been tried once. */
  const registerInTrouble = async (answers: Answers): Promise<string> => {
    mailServer.answer(answers)
    const { email } = await register(running)
    await deliverUntil(() => delayed.length + failed.length > 0)
    mailServer.answer({})
    return email
  }

  it.each<[string, Answers, string]>([
    ['is greylisted', { RCPT: '451 4.7.1 Greylisted, try again later' }, 'EENVELOPE 451 4.7.1'],
    ['finds no more room for connections', { MAIL: '421 4.7.0 Too many connections' }, '421 4.7.0'],
    ['comes from a sender that is not allowed', { MAIL: '550 5.7.60 May not send as this sender' }, '550 5.7.60'],
    ['comes from a domain that is not verified', { MAIL: '554 5.7.1 Sender domain not verified' }, '554 5.7.1'],
    ['comes from an address that is not taken', { MAIL: '501 5.1.7 Bad sender address syntax' }, '501 5.1.7'],
    ['comes from a domain that is not found', { RCPT: '550 5.1.8 Sender domain not found' }, '550 5.1.8'],
    ['comes from a user unknown', { RCPT: '550 5.1.0 Sender address rejected: User unknown' }, '550 5.1.0'],
    ['has a sender that is looked up late', { RCPT: '550 Sender verify failed' }, '550'],
    ['comes from a sender without a mailbox', { MAIL: '550 No such user here' }, '550'],
    ['is not relayed', { RCPT: '550 5.7.1 Relaying denied, authentication required' }, '550 5.7.1'],
    ['is not relayed, in the words of Exim', { RCPT: '550 relay not permitted' }, '550'],
    ['needs a login first', { MAIL: '530 5.7.0 Authentication required' }, '530 5.7.0'],
    ['has a login that is refused', { AUTH: '535 5.7.8 Bad credentials' }, 'EAUTH 535 5.7.8'],
    ['needs TLS first', { MAIL: '530 5.7.0 Must issue a STARTTLS command first' }, '530 5.7.0'],
    ['exceeds the limit of the day', { RCPT: '550 5.4.5 Daily user sending quota exceeded' }, '550 5.4.5'],
    ['exceeds the limit, reported late', { DATA: '554 5.4.5 Sending limit reached' }, '554 5.4.5'],
    ['finds the mailbox full', { RCPT: '552 5.2.2 Mailbox full' }, '552 5.2.2'],
    ['finds the mailbox full, at the end', { '.': '552 5.2.2 Mailbox full' }, 'EMESSAGE 552 5.2.2'],
    ['is taken for spam', { '.': '554 5.7.1 Message rejected as spam' }, '554 5.7.1'],
    ['comes from a listed address', { RCPT: '554 5.7.1 Client host blocked using a list' }, '554 5.7.1'],
    [
      'is not allowed, in the words of qmail',
      { RCPT: '553 that domain is not in my list of allowed rcpthosts' },
      '553',
    ],
    ['needs TLS, in other words', { RCPT: '550 Please use STARTTLS' }, '550'],
    ['exceeds the limit, in other words', { RCPT: '550 Daily sending limit exceeded' }, '550'],
    ['is refused without a reason', { RCPT: '550 Administrative prohibition' }, '550'],
  ])('that %s arrives once the trouble is over', async (_, answers, reason) => {
    const email = await registerInTrouble(answers)
    expect([failed, delayed.at(-1)?.reason]).toEqual([[], expect.stringContaining(reason)])
    running.clock.advance(minute)
    await deliver()
    expect(mailServer.taken).toContain(email)
  })

  it.each<[Answers]>([
    [{ RCPT: '550 5.1.1 The email account that you tried to reach does not exist' }],
    [{ RCPT: '550-5.1.1 The email account\r\n550 5.1.1 does not exist' }],
    [{ RCPT: '550 5.1.1 Recipient address rejected: User unknown in relay recipient table' }],
    [{ RCPT: '550 5.1.2 Host unknown' }],
    [{ RCPT: '553 5.1.3 Not a valid address' }],
    [{ RCPT: '551 5.1.6 Has moved' }],
    [{ RCPT: '556 5.1.10 Recipient address has null MX' }],
    [{ RCPT: '550 5.2.1 The account is disabled' }],
    [{ RCPT: '550 5.1.0 User unknown' }],
    [{ RCPT: '550 No such user here' }],
    [{ RCPT: '550 Unrouteable address' }],
    [{ RCPT: '550 Requested action not taken: mailbox unavailable' }],
    [{ RCPT: '550 Rejected' }],
    [{ RCPT: '550 sorry, no mailbox here by that name (#5.1.1)' }],
    [{ '.': '550 5.1.1 User unknown' }],
  ])('is dropped when its recipient is refused: %o', async (answers) => {
    const email = await registerInTrouble(answers)
    expect([failed.length, delayed.length]).toEqual([1, 0])
    running.clock.advance(minute)
    await deliver()
    expect(mailServer.taken).not.toContain(email)
  })

  it('is retried as long as its link is valid, and no longer', async () => {
    const email = await registerInTrouble({ MAIL: '550 5.7.60 Not this sender' })
    const { store } = running.server.service
    mailServer.answer({ MAIL: '550 5.7.60 Not this sender' })
    await store.query('update server_outbox set attempts = 500')
    running.clock.advance(60 * minute)
    await deliver()
    expect(failed).toEqual([])
    running.clock.advance(24 * 60 * minute)
    await deliver()
    expect(failed.map(({ reason }) => reason)).toEqual(['link_expired'])
    expect(mailServer.taken).not.toContain(email)
  })

  it('with a link that expires soon is retried before it does', async () => {
    const { email } = await register(running)
    await deliverUntil(() => mailServer.taken.includes(email))
    const before = mailServer.taken.length
    mailServer.answer({ MAIL: '550 5.7.60 Not this sender' })
    await running.api.post('/v1/password/forgot', { body: { email } })
    await deliverUntil(() => delayed.length > 0)
    // The link is valid for an hour; the outbox worker polls once in each step.
    for (let passed = 0; passed < 54 * minute; passed += 10_000) {
      running.clock.advance(10_000)
      await deliver()
    }
    mailServer.answer({})
    for (let passed = 0; passed < 5 * minute; passed += 10_000) {
      running.clock.advance(10_000)
      await deliver()
    }
    expect([mailServer.taken.length, failed]).toEqual([before + 1, []])
  })

  it('without a link is dropped after a day', async () => {
    const { email, token } = await register(running)
    const { store } = running.server.service
    await store.query('update server_accounts set email_verified_at = 1 where email = $1', [email])
    await deliverUntil(() => mailServer.taken.includes(email))
    mailServer.answer({ MAIL: '550 5.7.60 Not this sender' })
    const body = { current_password: password, new_password: 'a different staple for the horse' }
    expect((await running.api.post('/v1/me/password', { token, body })).status).toBe(200)
    await deliverUntil(() => delayed.length > 0)
    await store.query('update server_outbox set attempts = 33, due_at = 0')
    await deliver()
    expect(failed.map(({ kind }) => kind)).toEqual(['password_changed'])
    expect((await login(running, email, body.new_password)).email).toBe(email)
  })
})

/** A real mail server with a certificate that no authority has signed. */
async function startSecured(options: SMTPServerOptions = {}) {
  const server = new SMTPServer({
    authOptional: true,
    onAuth: ({ password: secret }, _session, done) =>
      secret === 'right' ? done(null, { user: 'ops' }) : done(new Error('Wrong.')),
    ...options,
  })
  server.on('error', () => {})
  server.listen(0, '127.0.0.1')
  await once(server.server, 'listening')
  const { port } = server.server.address() as AddressInfo
  return { host: `127.0.0.1:${port}`, close: () => new Promise<void>((resolve) => server.close(() => resolve())) }
}

describe('the reason why letters are not sent', () => {
  const unverified = 'tls.rejectUnauthorized=false'
  const cases: [string, SMTPServerOptions | 'away', (host: string) => string, string, RegExp][] = [
    ['no server listens', 'away', (host) => `smtp://${host}`, 'fail', /ESOCKET ECONNREFUSED/],
    ['there is no such host', 'away', () => 'smtp://no-such-host.invalid:25', 'fail', /EDNS/],
    ['its certificate is its own', {}, (host) => `smtp://${host}`, 'fail', /DEPTH_ZERO_SELF_SIGNED_CERT|CERT_/],
    [
      'TLS is required and not offered',
      { hideSTARTTLS: true, disabledCommands: ['STARTTLS'] },
      (host) => `smtp://${host}?requireTLS=true`,
      'fail',
      /STARTTLS_NOT_OFFERED/,
    ],
    ['the password is wrong', {}, (host) => `smtp://ops:hunter2@${host}?${unverified}`, 'fail', /EAUTH 535/],
    ['all is well', {}, (host) => `smtp://ops:right@${host}?${unverified}`, 'ok', /over TLS, signed in/],
    [
      'it takes no login',
      { disabledCommands: ['AUTH'] },
      (host) => `smtp://ops:hunter2@${host}?${unverified}`,
      'warn',
      /offers no login/,
    ],
  ]

  it.each(cases)('is reported by doctor where %s', async (_, options, urlOf, level, detail) => {
    const server = options === 'away' ? undefined : await startSecured(options)
    const url = urlOf(server?.host ?? `127.0.0.1:${await freePort()}`)
    const env = { LATCHKEY_DATA_DIR: '/nowhere', LATCHKEY_SMTP_URL: url, LATCHKEY_MAIL_FROM: 'a@b.example' }
    const { stdout, stderr } = await new Command(['doctor', '--json'], env).finished
    const { findings } = JSON.parse(stdout) as { findings: { check: string; level: string; detail: string }[] }
    expect(findings.find(({ check }) => check === 'mail')).toMatchObject({
      level,
      detail: expect.stringMatching(detail),
    })
    expect(stdout + stderr).not.toContain('hunter2')
    await server?.close()
  })

  it.each(cases.filter(([, , , level]) => level === 'fail'))(
    'is in the log where %s',
    async (_, options, urlOf, __, reason) => {
      const server = options === 'away' ? undefined : await startSecured(options)
      const mailing = await startMailing(urlOf(server?.host ?? `127.0.0.1:${await freePort()}`))
      const first = once(outboxWorkerOf(mailing), 'delayed') as Promise<[Delivery]>
      await register(mailing, freshEmail())
      const [{ reason: said }] = await first
      expect(said).toMatch(reason)
      await mailing.stop()
      await server?.close()
    },
  )
})
