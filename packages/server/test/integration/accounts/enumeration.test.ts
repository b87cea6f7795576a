import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { createPasswordHasher, type PasswordHasher } from '../../../src/accounts/password-hasher.js'
import { deliverLetters } from '../../support/letters.js'
import { freshEmail, password } from '../../support/people.js'
import { databases, type StartOptions, startServer, type TestServer } from '../../support/start-server.js'
import { differSignificantly, timeInTurns } from '../../support/timing.js'

const pairs = 40

/**
 * A hasher that skips the hash when there is no account, as a server without a dummy hash would.
 */
async function leakyHasher(): Promise<PasswordHasher> {
  const inner = await createPasswordHasher()
  return {
    hash: (text) => inner.hash(text),
    isOutdated: (hashed) => inner.isOutdated(hashed),
    compare: async (text, hashed) =>
      hashed === undefined ? { matches: false, rehash: false } : inner.compare(text, hashed),
  }
}

/** The durations of an SMTP conversation before the answer, and of a fast one. */
const conversationMs = 25

/** A server with one administrator, whose address an attacker tries to confirm. */
class Site {
  readonly known = freshEmail()
  readonly running: TestServer

  private constructor(running: TestServer) {
    this.running = running
  }

  static async start(options: StartOptions): Promise<Site> {
    const site = new Site(await startServer(options))
    await site.running.server.service.adminCreation.createAdmin({ email: site.known, password })
    return site
  }

  forgotTells(): Promise<boolean> {
    return this.#distinguishes((email) => this.#post('/v1/password/forgot', { email }, 202))
  }

  registrationTells(): Promise<boolean> {
    return this.#distinguishes((email) => this.#post('/v1/register', { email, password }, 202))
  }

  mailSignInTells(): Promise<boolean> {
    return this.#distinguishes((email) => this.#post('/v1/login/mail', { email }, 202))
  }

  mailCodeTells(): Promise<boolean> {
    return this.#distinguishes(async (email) => {
      const { body } = await this.running.api.post('/v1/login/mail', { body: { email } })
      await deliverLetters(this.running)
      return this.#post('/v1/login/mail/complete', { challenge_token: body.challenge_token, code: '1' }, 403)
    })
  }

  loginTells(): Promise<boolean> {
    return this.#distinguishes(async (email) => {
      // From a network without an earlier sign-in, and before any delay applies.
      await this.running.server.service.store.query('delete from server_guess_lanes')
      return this.#post('/v1/login', { email, password: 'not the right password' }, 401)
    })
  }

  /**
   * Returns whether the response time distinguishes an address with an account from one without.
   */
  #distinguishes(prepare: (email: string) => Promise<() => Promise<void>>): Promise<boolean> {
    return differSignificantly(() =>
      timeInTurns(pairs, { one: () => prepare(this.known), other: () => prepare(freshEmail()) }),
    )
  }

  async #post(path: string, body: object, status: number): Promise<() => Promise<void>> {
    return async () => expect((await this.running.api.post(path, { body })).status).toBe(status)
  }
}

describe.each(databases)('the response time on %s does not reveal whether there is an account', (database) => {
  let site: Site

  afterEach(() => site.running.stop())

  it('when a password reset is requested', async () => {
    site = await Site.start({ database })
    expect(await site.forgotTells()).toBe(false)
  })

  it('at a registration by mail', async () => {
    site = await Site.start({ database, configuration: { registration: 'by-mail' } })
    expect(await site.registrationTells()).toBe(false)
  })

  it('when a sign-in by mail is requested, or its code is wrong', async () => {
    site = await Site.start({ database, configuration: { mailSignIn: 'code' } })
    expect(await site.mailSignInTells()).toBe(false)
    expect(await site.mailCodeTells()).toBe(false)
  })

  it('at a login', async () => {
    site = await Site.start({ database })
    expect(await site.loginTells()).toBe(false)
  })
})

describe('the response time would reveal an account', () => {
  let site: Site

  afterEach(() => site.running.stop())

  it('if letters were sent before the response', async () => {
    site = await Site.start({ database: 'sqlite' })
    const { recovery } = site.running.server.service
    const forgot = recovery.forgot.bind(recovery)
    recovery.forgot = async (email, origin) => {
      await forgot(email, origin)
      if (email === site.known) await sleep(conversationMs)
    }
    expect(await site.forgotTells()).toBe(true)
  })

  it('if the password for a taken address were not hashed', async () => {
    site = await Site.start({ database: 'sqlite', configuration: { registration: 'by-mail' } })
    const { registration } = site.running.server.service
    const register = registration.register.bind(registration)
    registration.register = async (input, ...rest) =>
      input.email === site.known ? undefined : register(input, ...rest)
    expect(await site.registrationTells()).toBe(true)
  })

  it('if an unknown address had no dummy hash', async () => {
    site = await Site.start({ database: 'sqlite', parts: { passwords: await leakyHasher() } })
    expect(await site.loginTells()).toBe(true)
  })
})
