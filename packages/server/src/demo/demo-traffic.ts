import { setTimeout as sleep } from 'node:timers/promises'
import { operator } from '../audit/operator.js'
import type { RequestOrigin } from '../request-origin.js'
import type { Service } from '../service.js'
import { demoOrigin, ownOrigin } from './demo-devices.js'
import type { DemoState } from './demo-folder.js'
import { Dice } from './dice.js'

/** Tokens of a sign-in of the demo, and the headers of its device. */
interface DemoSession {
  readonly headers: Readonly<Record<string, string>>
  readonly accessToken: string
  readonly refreshToken: string
}

/** The body of an answer with tokens. */
interface TokenBody {
  readonly access_token?: string
  readonly refresh_token?: string
}

/** The time between two steps, each of which sends a few requests one after the other. */
const pauseMs = 400

/** Sessions that the traffic keeps in use. */
const maxSessions = 40

/** A forgotten demo stops writing after this time. */
const maxDurationMs = 12 * 3_600_000

/**
 * Light traffic: sign-ins, wrong passwords, verifications, refreshes, tokens of clients and
 * rotations, a few each second, by the public API of the server.
 */
export class DemoTraffic {
  readonly #url: string
  readonly #service: Pick<Service, 'administration' | 'store'>
  readonly #state: DemoState
  readonly #dice = new Dice(Date.now())
  readonly #sessions: DemoSession[] = []
  readonly #stop = new AbortController()
  #ended: Promise<void> = Promise.resolve()

  constructor(url: string, service: Pick<Service, 'administration' | 'store'>, state: DemoState) {
    this.#url = url
    this.#service = service
    this.#state = state
  }

  start(): void {
    this.#ended = this.#run()
  }

  /** Ends the traffic after the request in progress. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#ended
  }

  async #run(): Promise<void> {
    const endMs = Date.now() + maxDurationMs
    while (!this.#stop.signal.aborted && Date.now() < endMs) {
      // A server that is busy or stopping refuses; the next step tries again.
      await this.#step().catch(() => {})
      await sleep(pauseMs, undefined, { signal: this.#stop.signal }).catch(() => {})
    }
  }

  async #step(): Promise<void> {
    for (let left = this.#dice.whole(1, 4); left > 0; left -= 1) await this.#verify()
    if (this.#sessions.length < 4 || this.#dice.happens(0.2)) await this.#signIn()
    if (this.#dice.happens(0.07)) await this.#guess()
    if (this.#dice.happens(0.15)) await this.#refresh()
    if (this.#dice.happens(0.1)) await this.#clientToken()
    if (this.#dice.happens(0.03)) await this.#signOut()
    if (this.#dice.happens(0.02)) await this.#rotate()
  }

  async #verify(): Promise<void> {
    const session = this.#session()
    if (session === undefined) return
    const { status } = await this.#send('GET', '/v1/me', { headers: bearer(session) })
    // The token has expired, or an administrator has ended it in the console.
    if (status === 401) this.#forget(session)
  }

  async #signIn(): Promise<void> {
    const { userPassword: password } = this.#state
    const email = this.#email()
    const headers = headersOf(ownOrigin(email))
    const { body } = await this.#send('POST', '/v1/login', { headers, json: { email, password } })
    this.#keep(headers, body)
  }

  async #guess(): Promise<void> {
    const json = { email: this.#email(), password: `wrong ${this.#dice.whole(1, 999)}` }
    await this.#send('POST', '/v1/login', { headers: this.#anyDevice(), json })
  }

  async #refresh(): Promise<void> {
    const session = this.#session()
    if (session === undefined) return
    this.#forget(session)
    const json = { refresh_token: session.refreshToken }
    const { body } = await this.#send('POST', '/v1/refresh', { headers: session.headers, json })
    this.#keep(session.headers, body)
  }

  async #signOut(): Promise<void> {
    const session = this.#session()
    if (session === undefined) return
    this.#forget(session)
    await this.#send('POST', '/v1/logout', { headers: bearer(session) })
  }

  async #clientToken(): Promise<void> {
    const [first, ...others] = this.#state.clients
    if (first === undefined) return
    const { id, secret } = this.#dice.pick([first, ...others])
    const authorization = `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`
    const form = new URLSearchParams({ grant_type: 'client_credentials' })
    await this.#send('POST', '/oauth/token', { headers: { ...this.#anyDevice(), authorization }, form })
  }

  async #rotate(): Promise<void> {
    const { administration } = this.#service
    const { id } = await administration.find(this.#email())
    await administration.rotate(operator, id)
  }

  #email(): string {
    const [first = '', ...others] = this.#state.emails
    return this.#dice.pick([first, ...others])
  }

  #anyDevice(): Readonly<Record<string, string>> {
    return headersOf(demoOrigin(this.#dice))
  }

  #session(): DemoSession | undefined {
    return this.#sessions[this.#dice.whole(0, this.#sessions.length - 1)]
  }

  #keep(headers: DemoSession['headers'], { access_token, refresh_token }: TokenBody): void {
    if (access_token === undefined || refresh_token === undefined) return
    this.#sessions.push({ headers, accessToken: access_token, refreshToken: refresh_token })
    if (this.#sessions.length > maxSessions) this.#sessions.shift()
  }

  #forget(session: DemoSession): void {
    const index = this.#sessions.indexOf(session)
    if (index !== -1) this.#sessions.splice(index, 1)
  }

  async #send(
    method: string,
    path: string,
    { headers, json, form }: { headers: Readonly<Record<string, string>>; json?: object; form?: URLSearchParams },
  ): Promise<{ readonly status: number; readonly body: TokenBody }> {
    const response = await fetch(this.#url + path, {
      method,
      headers: { ...headers, ...(json === undefined ? {} : { 'content-type': 'application/json' }) },
      signal: this.#stop.signal,
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
      ...(form === undefined ? {} : { body: form }),
    })
    const text = await response.text()
    return { status: response.status, body: response.ok && text !== '' ? JSON.parse(text) : {} }
  }
}

function headersOf({ address, userAgent }: RequestOrigin): Readonly<Record<string, string>> {
  return { 'x-forwarded-for': address, 'user-agent': userAgent ?? '' }
}

function bearer({ headers, accessToken }: DemoSession): Readonly<Record<string, string>> {
  return { ...headers, authorization: `Bearer ${accessToken}` }
}
