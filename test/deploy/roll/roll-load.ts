import { setTimeout as sleep } from 'node:timers/promises'
import { AuthClient, type Device } from '../../support/auth-client.js'

/** An answer that must not occur. */
export interface WrongAnswer {
  readonly asked: string
  readonly expected: string
  readonly got: string
}

/** An ended access token, with the time of the acknowledgement. */
interface EndedToken {
  readonly token: string
  readonly acknowledgedAt: number
}

const pauseMs = 20

/** One of this many requests is a change: a refresh, or a login whose session is ended at once. */
const changeEvery = 12

/**
 * Users of a service during an update. Each reads the own account, refreshes, signs in and out on
 * another device, and presents ended tokens. The load is bounded: one request of each user at a
 * time, with a pause after it.
 */
export class RollLoad {
  readonly wrong: WrongAnswer[] = []
  answers = 0
  changes = 0
  readonly #url: string
  readonly #maxStalenessMs: number
  readonly #ended: EndedToken[] = []
  #stopped = false

  constructor(url: string, maxStalenessMs: number) {
    this.#url = url
    this.#maxStalenessMs = maxStalenessMs
  }

  /** The tokens whose end was acknowledged. */
  get ended(): readonly string[] {
    return this.#ended.map(({ token }) => token)
  }

  /** Runs until `stop`; resolves when all requests have been answered. */
  async run(people: number): Promise<void> {
    await Promise.all(Array.from({ length: people }, (_, index) => this.#live(`person-${index}@example.com`)))
  }

  stop(): void {
    this.#stopped = true
  }

  async #live(email: string): Promise<void> {
    const client = new AuthClient(this.#url)
    let device = await client.register(email)
    for (let turn = 1; !this.#stopped; turn++) {
      if (turn % (2 * changeEvery) === 0) await this.#signInAndOut(client, email)
      else if (turn % changeEvery === 0) device = (await this.#refresh(client, device)) ?? device
      else if (turn % 3 === 0) await this.#showEnded(client)
      else await this.#expect(`${email} asks who they are`, device.accountId, () => client.whoIs(device.accessToken))
      await sleep(pauseMs)
    }
  }

  async #refresh(client: AuthClient, { refreshToken, accountId }: Device): Promise<Device | undefined> {
    let refreshed: Device | undefined
    await this.#expect(`${accountId} refreshes`, '200', async () => {
      const { status, body } = await client.call('POST', '/v1/refresh', { body: { refresh_token: refreshToken } })
      if (status !== 200) return `${status} ${body?.code}`
      refreshed = {
        accountId,
        sessionId: body.session_id,
        accessToken: body.access_token,
        refreshToken: body.refresh_token,
      }
      return String(status)
    })
    if (refreshed !== undefined) this.changes++
    return refreshed
  }

  async #signInAndOut(client: AuthClient, email: string): Promise<void> {
    await this.#expect(`${email} signs in and out`, '204', async () => {
      const { accessToken: token } = await client.login(email)
      const { status } = await client.call('POST', '/v1/logout', { token })
      if (status === 204) this.#ended.push({ token, acknowledgedAt: performance.now() })
      return String(status)
    })
    this.changes++
  }

  async #showEnded(client: AuthClient): Promise<void> {
    const before = performance.now() - this.#maxStalenessMs
    const old = this.#ended.filter(({ acknowledgedAt }) => acknowledgedAt <= before)
    const shown = old[Math.floor(Math.random() * old.length)]
    if (shown === undefined) return
    await this.#expect('present an ended token', 'session_ended', () => client.whoIs(shown.token))
  }

  async #expect(asked: string, expected: string, ask: () => Promise<string>): Promise<void> {
    const got = await ask().catch((error: unknown) => String(error instanceof Error ? (error.cause ?? error) : error))
    this.answers++
    if (got !== expected) this.wrong.push({ asked, expected, got })
  }
}
