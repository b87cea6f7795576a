import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { PasswordTask } from '../../../src/accounts/password-queue.js'
import type { Answer } from '../../support/api-client.js'
import { HeldHasher } from '../../support/held-hasher.js'
import { newestLetter } from '../../support/letters.js'
import { createAdmin, freshEmail, password } from '../../support/people.js'
import { startServer, type TestServer } from '../../support/start-server.js'

const parallel = 2
const maxWaiting = 32
const logins = 15
const floodPassword = 'a password of the flood'

/** Sends a request from an address, through the trusted proxy. */
type Send = (address: string) => Promise<Answer>

let running: TestServer
let hasher: HeldHasher

beforeEach(async () => {
  hasher = new HeldHasher()
  running = await startServer({
    database: 'sqlite',
    configuration: { trustedProxies: ['127.0.0.1'] },
    parts: { passwords: hasher, passwordQueue: { parallel, maxWaiting } },
  })
})
afterEach(async () => {
  vi.restoreAllMocks()
  hasher.release()
  await running.stop()
})

const from = (address: string, device?: string) => ({
  'x-forwarded-for': address,
  ...(device === undefined ? {} : { 'latchkey-device': device }),
})
const registerAt = async (address: string) => {
  const email = freshEmail()
  const { body } = await running.api.post('/v1/register', { body: { email, password }, headers: from(address) })
  return { email, device: body.device_token, token: body.access_token }
}
const loginAt = (address: string, email: string, device?: string) =>
  running.api.post('/v1/login', { body: { email, password }, headers: from(address, device) })

const guess: Send = (address) =>
  running.api.post('/v1/login', { body: { email: freshEmail(), password: floodPassword }, headers: from(address) })
const enter: Send = (address) =>
  running.api.post('/v1/register', { body: { email: freshEmail(), password: floodPassword }, headers: from(address) })

/** Keeps the queue full with requests from these addresses. */
class Flood {
  readonly #addresses: readonly string[]
  readonly #sends: readonly Send[]
  readonly statuses: number[] = []
  readonly #pending = new Set<Promise<void>>()
  #sent = 0

  constructor(addresses: readonly string[], sends: readonly Send[]) {
    this.#addresses = addresses
    this.#sends = sends
  }

  /**
   * Sends a request from each address, and more until the queue is full and no request is in
   * transit.
   */
  async fill(count = this.#addresses.length): Promise<void> {
    const { passwords } = running.server.service
    for (let n = 0; n < count; n += 1) this.#send()
    const settled = () => this.#pending.size === passwords.waiting + hasher.running
    await expect.poll(settled, { interval: 5 }).toBe(true)
    if (passwords.waiting < maxWaiting) await this.fill(maxWaiting)
  }

  async end(): Promise<void> {
    hasher.release()
    await Promise.all(this.#pending)
  }

  #send(): void {
    const address = this.#addresses[this.#sent % this.#addresses.length] ?? ''
    const send = this.#sends[this.#sent % this.#sends.length] ?? guess
    this.#sent += 1
    const answer = send(address).then(({ status }) => {
      this.statuses.push(status)
      this.#pending.delete(answer)
    })
    this.#pending.add(answer)
  }
}

/**
 * Signs the owner in repeatedly during the flood; returns the answers and the largest number of
 * turns that one sign-in took.
 */
async function signInDuring(flood: Flood, signIn: () => Promise<Answer>) {
  const compare = vi.spyOn(running.server.service.passwords, 'compare')
  const statuses: number[] = []
  let mostTurns = 0
  hasher.isHeld = true
  for (let login = 0; login < logins; login += 1) {
    await flood.fill(login === 0 ? undefined : parallel)
    compare.mockClear()
    let status: number | undefined
    const answer = signIn().then((given) => {
      status = given.status
    })
    // The owner's request is now queued, or was refused.
    await expect
      .poll(() => status !== undefined || compare.mock.calls.some(([, text]) => text === password), { interval: 5 })
      .toBe(true)
    const before = hasher.order.length
    let turns = 0
    while (status === undefined && !hasher.order.slice(before).includes(password)) {
      const worked = hasher.order.length
      hasher.finishOne()
      await expect.poll(() => hasher.order.length, { interval: 5 }).toBeGreaterThan(worked)
      turns += 1
    }
    // The active hashes may belong to the owner and to the flood.
    for (let n = 0; n < parallel && status === undefined; n += 1) hasher.finishOne()
    await answer
    statuses.push(status ?? 0)
    mostTurns = Math.max(mostTurns, turns)
  }
  await flood.end()
  return { statuses, mostTurns }
}

const all = (count: number, address: (n: number) => string) => Array.from({ length: count }, (_, n) => address(n))
const hex = (n: number) => n.toString(16)

const networks: readonly [string, readonly string[]][] = [
  ['256 /64s of one /48', all(256, (n) => `2001:db8:1:${hex(n * 257)}::7`)],
  ['256 /64s of 64 /48s', all(256, (n) => `2001:db8:${hex(n % 64)}:${hex(n)}::7`)],
  ['256 addresses of one IPv4 /24', all(256, (n) => `198.51.100.${n}`)],
  ['256 IPv4 /24s of one /16', all(256, (n) => `198.51.${n}.7`)],
  ['requests without a usable address', ['nonsense']],
]

describe.each(networks)('a flood of logins from %s, each within its limits', (_, addresses) => {
  it('does not prevent the owner from signing in from another network, 15 of 15 times', async () => {
    const owner = await registerAt('2001:db9::1')
    const signedIn = await signInDuring(new Flood(addresses, [guess]), () => loginAt('2001:db9::1', owner.email))
    expect(signedIn).toEqual({ statuses: Array(logins).fill(200), mostTurns: expect.any(Number) })
    expect(signedIn.mostTurns).toBeLessThanOrEqual(2)
  })

  it('does not prevent the owner from signing in on a known device within the flooding network, 15 of 15 times', async () => {
    const address = addresses[0] ?? ''
    const owner = await registerAt(address)
    const flood = new Flood(addresses, [guess])
    const signedIn = await signInDuring(flood, () => loginAt(address, owner.email, owner.device))
    expect(signedIn).toEqual({ statuses: Array(logins).fill(200), mostTurns: 1 })
    expect(flood.statuses).toContain(503)
  })
})

describe('a flood of all requests that hash a password', () => {
  it('does not prevent the owner from signing in, nor others from registering', async () => {
    const addresses = all(256, (n) => (n % 2 === 0 ? `2001:db8:${hex(n)}::7` : `198.51.${n}.7`))
    const flooders = await Promise.all(all(20, (n) => `198.51.${n}.7`).map(registerAt))
    let turn = 0
    const confirm: Send = (address) => {
      turn += 1
      const { token = '' } = flooders[turn % flooders.length] ?? {}
      return running.api.post('/v1/me/devices', { body: { password }, token, headers: from(address) })
    }
    const owner = await registerAt('2001:db9::1')
    const elsewhere = new Flood(addresses, [guess, enter, enter, enter])
    const signedIn = await signInDuring(elsewhere, () => loginAt('2001:db9::1', owner.email))
    expect(signedIn.statuses).toEqual(Array(logins).fill(200))
    // There are two purposes, and two networks within the purpose of logins.
    expect(signedIn.mostTurns).toBeLessThanOrEqual(6)
    vi.restoreAllMocks()
    hasher.isHeld = true
    const queue = running.server.service.passwords
    const answers = all(60, (n) => `198.51.${n}.7`).map(confirm)
    await expect.poll(() => queue.waiting, { interval: 5 }).toBe(maxWaiting)
    const registered = enter('2001:db9::2')
    const known = loginAt('2001:db9::1', owner.email, owner.device)
    hasher.release()
    expect([(await registered).status, (await known).status]).toEqual([201, 200])
    expect((await Promise.all(answers)).map(({ status }) => status)).toContain(503)
  })
})

describe('a client that hangs up while its password waits', () => {
  it('causes no hash, and counts as no attempt at the account', async () => {
    const owner = await registerAt('2001:db9::1')
    const { passwords } = running.server.service
    hasher.isHeld = true
    const worked = [guess('192.0.2.1'), guess('192.0.2.2')]
    await expect.poll(() => hasher.running).toBe(parallel)
    const before = hasher.order.length
    for (let round = 0; round < 3; round += 1) {
      const client = new AbortController()
      const attempts = all(4, () => '198.51.100.1').map((address) =>
        fetch(`${running.url}/v1/login`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', ...from(address) },
          body: JSON.stringify({ email: owner.email, password: floodPassword }),
          signal: client.signal,
        }).catch(() => undefined),
      )
      await expect.poll(() => passwords.waiting).toBe(attempts.length)
      client.abort()
      await Promise.all(attempts)
      await expect.poll(() => passwords.waiting).toBe(0)
      await expect
        .poll(() => running.server.service.metrics.scrape())
        .toContain(`latchkey_password_refusals_total{use="login",reason="abandoned"} ${4 * (round + 1)}`)
    }
    hasher.release()
    await Promise.all(worked)
    expect(hasher.order).toHaveLength(before)
    expect((await loginAt('198.51.100.1', owner.email)).status).toBe(200)
  })
})

interface Operation {
  readonly requestBody?: { readonly content: Record<string, { readonly schema: { readonly properties?: object } }> }
  readonly responses: Record<string, { readonly description?: string }>
}

describe('every route that takes a password', () => {
  const uses: Record<string, readonly PasswordTask['use'][]> = {
    'post /v1/login': ['login'],
    'post /v1/register': ['registration'],
    'post /v1/register/finish': ['link'],
    'post /v1/register/invited': ['link'],
    'post /v1/admin/users': ['account'],
    'post /v1/password/reset': ['link'],
    'post /v1/email/verify': ['link'],
    'patch /v1/me': ['account'],
    'delete /v1/me': ['account'],
    'post /v1/me/password': ['account', 'account'],
    'post /v1/me/devices': ['account'],
    'post /v1/me/step-up': ['account'],
  }
  const address = '198.51.100.77'

  it('declares that it may be overloaded, and is on the list of routes with fair queuing', async () => {
    const { paths } = (await (await fetch(`${running.url}/openapi.json`)).json()) as {
      paths: Record<string, Record<string, Operation>>
    }
    const found = Object.entries(paths).flatMap(([path, operations]) =>
      Object.entries(operations).flatMap(([method, { requestBody, responses }]) => {
        const bodies = Object.values(requestBody?.content ?? {})
        const takesPassword = bodies.some(({ schema }) => Object.keys(schema.properties ?? {}).some(isPassword))
        if (takesPassword)
          expect([path, responses[503]?.description]).toEqual([path, expect.stringMatching('overloaded')])
        return takesPassword ? [`${method} ${path}`] : []
      }),
    )
    expect(found.sort()).toEqual(Object.keys(uses).sort())
  })

  it('is queued in the network of its client', async () => {
    const { passwords } = running.server.service
    const spies = [vi.spyOn(passwords, 'hash'), vi.spyOn(passwords, 'compare')]
    const { email, token } = await registerAt(address)
    const taken = async (method: string, path: string, body: object, bearer?: string) => {
      for (const spy of spies) spy.mockClear()
      const answer = await running.api.call(method, path, {
        body,
        headers: from(address),
        ...(bearer === undefined ? {} : { token: bearer }),
      })
      expect([path, answer.status < 300]).toEqual([path, true])
      const turns = spies.flatMap(({ mock }) => mock.calls.map(([turn]) => turn))
      // The turn of an administrator does not end with the connection, because only administrators
      // can queue these.
      const connection = path.startsWith('/v1/admin') ? {} : { connection: expect.any(AbortSignal) }
      for (const turn of turns) expect(turn).toMatchObject({ origin: { address, ...connection } })
      expect([path, turns.map(({ use }) => use)]).toEqual([path, uses[`${method.toLowerCase()} ${path}`]])
      return answer.body
    }
    await taken('POST', '/v1/register', { email: freshEmail(), password })
    const verification = (await newestLetter(running, email, 'Verify your e-mail address')).token
    await taken('POST', '/v1/email/verify', { token: verification, password })
    await taken('POST', '/v1/me/devices', { password }, token)
    const { access_token: renewed } = await taken('POST', '/v1/me/step-up', { password }, token)
    await taken('PATCH', '/v1/me', { email: freshEmail(), password }, renewed)
    await running.api.post('/v1/password/forgot', { body: { email } })
    const reset = (await newestLetter(running, email, 'Reset your password')).token
    await taken('POST', '/v1/password/reset', { token: reset, new_password: password })
    const signedIn = await taken('POST', '/v1/login', { email, password })
    const change = { current_password: password, new_password: `${password} again` }
    const changed = await taken('POST', '/v1/me/password', change, signedIn.access_token)
    await taken('DELETE', '/v1/me', { password: `${password} again` }, changed.access_token)
    const admin = await createAdmin(running)
    await taken('POST', '/v1/admin/users', { email: freshEmail(), password }, admin.token)
    const invitation = { email: freshEmail(), delivery: 'link' }
    const { body } = await running.api.post('/v1/admin/invitations', { token: admin.token, body: invitation })
    const invited = new URL(body.url ?? '').hash.replace('#token=', '')
    await taken('POST', '/v1/register/invited', { token: invited, password })
    const byMail = await running.startAnother({ configuration: { registration: 'by-mail' } })
    const applicant = freshEmail()
    const finishing = vi.spyOn(byMail.server.service.passwords, 'verify')
    await byMail.api.post('/v1/register', { body: { email: applicant, password } })
    const link = (await newestLetter(byMail, applicant, 'Finish your registration')).token
    await byMail.api.post('/v1/register/finish', { body: { token: link, password }, headers: from(address) })
    expect(finishing.mock.calls.map(([turn]) => turn)).toMatchObject([{ use: 'link', origin: { address } }])
    await byMail.server.close()
  })
})

function isPassword(property: string): boolean {
  return property.includes('password')
}
