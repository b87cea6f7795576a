import { randomBytes, randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Auth } from '../../../src/auth.js'
import { sessionIds } from '../../../src/claims/session-ids.js'
import { isLatchkeyError } from '../../../src/errors.js'
import { type RecentOptions, requireRecent } from '../../../src/http/require-recent.js'
import { sharedSecret } from '../../../src/keys/shared-secret.js'
import { createLatchkey } from '../../../src/latchkey.js'
import { memoryStore } from '../../../src/stores/memory/index.js'
import { startIssuer } from '../../support/introspection-endpoint.js'
import { outcomeOf, setUp } from '../../support/setup.js'
import { forgeWithSecret } from '../../support/stolen-secret.js'

const issuer = { issuer: 'https://issuer.test', audience: 'test' }

/** One process whose session IDs are authenticated, with tenant secrets. */
function setUpSessions() {
  const setup = setUp({ store: memoryStore(), latchkey: { sessionIds: sessionIds(randomBytes(32)) } })
  const nowSec = () => setup.clock.now() / 1000
  /** Returns the outcome of `check` for a token that the thief of ada's secret has signed. */
  const forged = async (token: string, claims: object, check: RecentOptions) =>
    outcomeFor(await setup.latchkey.verify(await forgeWithSecret(setup, token, claims)), check)
  return { ...setup, nowSec, forged }
}

async function outcomeFor(auth: Auth, options: RecentOptions): Promise<unknown> {
  const outcome = await outcomeOf(() => requireRecent(options)(auth))
  return outcome === auth ? 'accepted' : outcome
}

const refused = 'insufficient_user_authentication'

describe('requireRecent, with a secret for each tenant', () => {
  it('accepts a session for maxAge seconds after its sign-in, however often its token is renewed', async () => {
    const { latchkey, clock, nowSec } = setUpSessions()
    const { token, sessionId } = await latchkey.issue({ subject: 'ada' })
    const auth = await latchkey.verify(token)
    expect(auth.authentication).toEqual({ at: nowSec(), acr: 'aal1' })
    expect(await outcomeFor(auth, { maxAge: 300 })).toBe('accepted')
    clock.advance(300_000)
    expect(await outcomeFor(await latchkey.verify(token), { maxAge: 300 })).toBe('accepted')
    clock.advance(1)
    expect(await outcomeFor(await latchkey.verify(token), { maxAge: 300 })).toBe(refused)
    const renewed = await latchkey.issue({ subject: 'ada', sessionId })
    expect(await outcomeFor(await latchkey.verify(renewed.token), { maxAge: 300 })).toBe(refused)
    expect(await outcomeFor(await latchkey.verify(renewed.token), { maxAge: 301 })).toBe('accepted')
  })

  it('accepts the level that the session was opened with, and weaker ones', async () => {
    const { latchkey } = setUpSessions()
    const weak = await latchkey.verify((await latchkey.issue({ subject: 'ada' })).token)
    const strong = await latchkey.verify((await latchkey.issue({ subject: 'ada', level: 'aal2' })).token)
    const outcomes = async (acr: string | string[]) =>
      Promise.all([weak, strong].map((auth) => outcomeFor(auth, { maxAge: 60, acr })))
    expect(await outcomes('aal1')).toEqual(['accepted', 'accepted'])
    expect(await outcomes('aal2')).toEqual([refused, 'accepted'])
    expect(await outcomes('aal3')).toEqual([refused, refused])
    expect(await outcomes(['aal3', 'aal1'])).toEqual(['accepted', 'accepted'])
    expect(await outcomes('phr')).toEqual([refused, refused])
  })

  it('is not misled by auth_time, acr and amr that the thief of the secret has signed', async () => {
    const { latchkey, clock, nowSec, forged } = setUpSessions()
    const { token } = await latchkey.issue({ subject: 'ada' })
    clock.advance(301_000)
    for (const claims of [
      { auth_time: nowSec() },
      { auth_time: nowSec() + 3, acr: 'aal2', amr: ['mfa'] },
      { auth_time: 1e15 },
      { auth_time: '9' },
      { auth_time: null },
      { auth_time: [nowSec()] },
    ]) {
      expect([claims, await forged(token, claims, { maxAge: 300 })]).toEqual([claims, refused])
    }
    for (const acr of ['aal2', 'aal3', ['aal2'], { aal2: true }]) {
      expect([acr, await forged(token, { acr }, { maxAge: 600, acr: 'aal2' })]).toEqual([acr, refused])
      expect([acr, await forged(token, { acr }, { maxAge: 600, acr: 'aal1' })]).toEqual([acr, 'accepted'])
    }
  })

  it('takes claims that make the authentication older or weaker', async () => {
    const { latchkey, nowSec } = setUpSessions()
    const claimed = async (claims: object) => {
      const { token } = await latchkey.issue({ subject: 'ada', level: 'aal2', claims })
      return (await latchkey.verify(token)).authentication
    }
    expect(await claimed({ auth_time: nowSec() - 500, acr: 'aal2' })).toEqual({ at: nowSec() - 500, acr: 'aal2' })
    expect(await claimed({ acr: 'aal1' })).toEqual({ at: nowSec(), acr: 'aal1' })
    expect(await claimed({ acr: 'phr' })).toEqual({ at: nowSec(), acr: 'aal1' })
    expect(await claimed({ acr: 7 })).toEqual({ at: nowSec(), acr: 'aal1' })
    expect(await claimed({ auth_time: 'now' })).toBeUndefined()
  })

  it('refuses everything without authenticated session IDs', async () => {
    const { latchkey, clock } = setUp()
    const claims = { auth_time: clock.now() / 1000, acr: 'aal2', amr: ['mfa'] }
    const auth = await latchkey.verify((await latchkey.issue({ subject: 'ada', claims })).token)
    expect(auth.authentication).toBeUndefined()
    expect(await outcomeFor(auth, { maxAge: 300 })).toBe(refused)
  })

  it('refuses an authentication from the future, as after a clock was set back', async () => {
    const { latchkey, clock, nowSec } = setUpSessions()
    const ahead = await latchkey.issue({ subject: 'ada', level: 'aal2' })
    const auth = await latchkey.verify(ahead.token)
    clock.step(-4000)
    expect(await outcomeFor(auth, { maxAge: 300 })).toBe('accepted')
    clock.step(-3_600_000)
    expect(auth.authentication?.at).toBeGreaterThan(nowSec())
    expect(await outcomeFor(auth, { maxAge: 300 })).toBe(refused)
    const { token } = await latchkey.issue({ subject: 'ada', sessionId: ahead.sessionId })
    expect(await outcomeFor(await latchkey.verify(token), { maxAge: 300 })).toBe(refused)
  })
})

describe('requireRecent, with keys of a central signer', () => {
  const secret = randomBytes(32).toString('base64url')

  it('trusts their claims', async () => {
    const { clock } = setUp()
    const latchkey = createLatchkey({ ...issuer, keys: sharedSecret({ secrets: [secret] }), clock })
    const nowSec = clock.now() / 1000
    const stated = async (claims: object) => latchkey.verify((await latchkey.issue({ subject: 'ada', claims })).token)
    expect(await outcomeFor(await stated({ auth_time: nowSec - 299.5 }), { maxAge: 300 })).toBe('accepted')
    expect(await outcomeFor(await stated({ auth_time: nowSec - 300.5 }), { maxAge: 300 })).toBe(refused)
    expect(await outcomeFor(await stated({}), { maxAge: 300 })).toBe(refused)
    expect(await outcomeFor(await stated({ acr: 'aal2' }), { maxAge: 300, acr: 'aal2' })).toBe(refused)
    const phr = await stated({ auth_time: nowSec, acr: 'phr' })
    expect(await outcomeFor(phr, { maxAge: 300, acr: ['phrh', 'phr'] })).toBe('accepted')
    expect(await outcomeFor(phr, { maxAge: 300, acr: 'aal1' })).toBe(refused)
    expect(await outcomeFor(await stated({ auth_time: nowSec, acr: 'aal3' }), { maxAge: 9, acr: 'aal2' })).toBe(
      'accepted',
    )
    expect(await outcomeFor(await stated({ auth_time: nowSec, acr: ['aal2'] }), { maxAge: 9, acr: 'aal2' })).toBe(
      refused,
    )
    expect(await outcomeFor(await stated({ auth_time: `${nowSec}` }), { maxAge: 300 })).toBe(refused)
  })

  it('reads the session ID where there is no claim', async () => {
    const { clock } = setUp()
    const keys = sharedSecret({ secrets: [secret] })
    const latchkey = createLatchkey({ ...issuer, keys, clock, sessionIds: sessionIds(randomBytes(32)) })
    const { token } = await latchkey.issue({ subject: 'ada', level: 'aal2' })
    expect((await latchkey.verify(token)).authentication).toEqual({ at: clock.now() / 1000, acr: 'aal2' })
  })

  it('trusts what the issuer states about a token that it is asked about, and not the token itself', async () => {
    const world = await startIssuer()
    const now = world.clock.now() / 1000
    const authOf = async (claims: object) => world.verifier().verify(await world.issue({ claims }))
    const strong = { maxAge: 300, acr: 'aal2' }
    expect(await outcomeFor(await authOf({ auth_time: now, acr: 'aal2' }), strong)).toBe('accepted')
    world.edit = ({ auth_time: _time, acr: _acr, ...answer }) => answer
    expect(await outcomeFor(await authOf({ auth_time: now, acr: 'aal2' }), strong)).toBe(refused)
  })
})

describe('the refusal of requireRecent', () => {
  const challengeOf = async (options: RecentOptions) => {
    const { latchkey } = setUp()
    const auth = await latchkey.verify((await latchkey.issue({ subject: 'ada' })).token)
    try {
      requireRecent(options)(auth)
    } catch (error) {
      if (isLatchkeyError(error)) return { status: error.status, challenge: error.headers['WWW-Authenticate'] }
    }
    return undefined
  }

  it('is the challenge of RFC 9470', async () => {
    const text =
      'Bearer error="insufficient_user_authentication", error_description="The user has not authenticated recently or strongly enough."'
    expect(await challengeOf({ maxAge: 300, acr: 'aal2' })).toEqual({
      status: 401,
      challenge: `${text}, acr_values="aal2", max_age="300"`,
    })
    expect(await challengeOf({ maxAge: 5, acr: ['phrh', 'phr'] })).toMatchObject({
      challenge: `${text}, acr_values="phrh phr", max_age="5"`,
    })
    expect(await challengeOf({ maxAge: 5 })).toMatchObject({ challenge: `${text}, max_age="5"` })
  })

  it('is a mistake of the program without an identity', () => {
    expect(() => requireRecent({ maxAge: 300 })(undefined as never)).toThrow(TypeError)
  })

  it.each([
    {},
    { maxAge: 0 },
    { maxAge: 1.5 },
    { maxAge: Number.NaN },
    { maxAge: Number.POSITIVE_INFINITY },
    { maxAge: '300' },
    { maxAge: 300, acr: '' },
    { maxAge: 300, acr: [] },
    { maxAge: 300, acr: 'a b' },
    { maxAge: 300, acr: 'a"' },
    { maxAge: 300, acr: 'a\r\nSet-Cookie' },
    { maxAge: 300, acr: [2] },
    { maxAge: 300, acr: null },
  ])('does not happen for the options %j, which are a TypeError', (options) => {
    expect(() => requireRecent(options as never)).toThrow(TypeError)
  })
})

describe('the level of a session', () => {
  it('is given with a new session alone, and where session IDs can state it', async () => {
    const { latchkey } = setUpSessions()
    const { sessionId } = await latchkey.issue({ subject: 'ada' })
    const wrong = async (call: () => unknown) => expect(async () => call()).rejects.toThrow(TypeError)
    await wrong(() => latchkey.issue({ subject: 'ada', sessionId, level: 'aal2' }))
    await wrong(() => latchkey.issue({ subject: 'ada', level: 'aal3' as never }))
    await wrong(() => setUp().latchkey.issue({ subject: 'ada', level: 'aal1' }))
  })

  it('is checked for identities that a test has made, by the clock of the machine', async () => {
    const made = { authentication: { at: Date.now() / 1000 - 10, acr: 'aal2' }, tokenId: randomUUID() } as Auth
    expect(await outcomeFor(made, { maxAge: 60, acr: 'aal2' })).toBe('accepted')
    expect(await outcomeFor(made, { maxAge: 5 })).toBe(refused)
  })
})
