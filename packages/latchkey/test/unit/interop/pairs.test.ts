import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { isLatchkeyError, LatchkeyError } from '../../../src/errors.js'
import type { KeySource } from '../../../src/keys/key-source.js'
import { type Guard, libraries } from './libraries.js'
import { cases } from './tokens.js'
import { afterLookUp, createSteeredWorld, createWorld, type World } from './world.js'

describe.each(libraries)('%s with tenant secrets', (library, start) => {
  let world: World
  let pair: Guard
  let keyAlone: Guard

  beforeAll(async () => {
    world = createWorld()
    pair = await start(world.latchkey, world.keys, 'pair')
    keyAlone = await start(world.latchkey, world.keys, 'key alone')
  })
  afterAll(async () => {
    await pair.close()
    await keyAlone.close()
    await world.close()
  })

  it.each(cases)('answers as Latchkey to $name', async ({ name, token, refused }) => {
    const made = await token(world)
    const answer = await pair.verify(made)
    if (refused === undefined) {
      expect(answer.error).toBeUndefined()
      expect(answer.claims).toMatchObject({ sub: expect.any(String), roles: [], scope: '', grants: { roles: [] } })
      return
    }
    expect(answer.claims).toBeUndefined()
    expect(answer.error).toBeInstanceOf(Error)
    // @fastify/jwt itself responds with 500 to `nbf` in the future.
    const isOwnMistake = library === '@fastify/jwt' && name === 'a token that is not valid yet'
    if (answer.status !== undefined) expect(answer.status).toBe(isOwnMistake ? 500 : 401)
    const { cause = answer.error } = answer.error as Error
    if (isLatchkeyError(cause)) expect([refused].flat()).toContain(cause.code)
    if (made.length > 100) expect(String(answer.error)).not.toContain(made.slice(-20))
  })

  it.each(cases.filter((one) => one.keyAlone === 'accepts'))(
    'accepts by its key alone, without the check: $name',
    async ({ token, refused }) => {
      const made = await token(world)
      expect(await keyAlone.verify(made)).toHaveProperty('claims')
      expect(await pair.verify(made)).toHaveProperty(refused === undefined ? 'claims' : 'error')
    },
  )

  it.each(cases.filter((one) => one.refused !== undefined && one.keyAlone === undefined))(
    'refuses by its key alone as well: $name',
    async ({ token }) => {
      expect(await keyAlone.verify(await token(world))).toHaveProperty('error')
    },
  )

  it.each(['HS384', 'HS512'] as const)(
    'accepts tokens of secrets for %s, and no other algorithm',
    async (algorithm) => {
      const { latchkey, keys, issue, forge, close } = createWorld(algorithm)
      const guard = await start(latchkey, keys, 'pair')
      onTestFinished(async () => {
        await guard.close()
        await close()
      })
      const token = await issue('alice')
      expect(await guard.verify(token)).toHaveProperty('claims')
      expect(await guard.verify(await forge(token, { header: { alg: 'HS256' } }))).toHaveProperty('error')
    },
  )

  it('has the roles and scopes that are stored, whatever the token claims', async () => {
    await world.issue('grace')
    await world.keys.setGrants('grace', { roles: ['editor'], scope: 'read write', plan: 'pro' })
    const forged = await world.forge(await world.issue('grace'), {
      claims: { roles: ['admin'], scope: 'write all', grants: { plan: 'free' }, plan: 'free' },
    })
    const grants = { roles: ['editor'], scope: 'write', plan: 'pro' }
    expect((await pair.verify(forged)).claims).toMatchObject({ sub: 'grace', ...grants, plan: 'free', grants })
    expect((await keyAlone.verify(forged)).claims).toMatchObject({ roles: ['admin'], scope: 'write all' })
  })

  it('refuses a token that another process revokes after the key was found; the key alone accepts it', async () => {
    for (const [use, accepted] of [
      ['key alone', true],
      ['pair', false],
    ] as const) {
      const revoking = afterLookUp(world.keys, () => world.other.keys.revoke('heidi', { everywhere: true }))
      const guard = await start(world.latchkey, revoking, use)
      onTestFinished(() => guard.close())
      expect('claims' in (await guard.verify(await world.issue('heidi'))), use).toBe(accepted)
    }
  })

  it('accepts and then refuses the same token once another process has revoked it', async () => {
    const token = await world.issue('ivan')
    expect(await pair.verify(token)).toHaveProperty('claims')
    expect(await pair.verify(token)).toHaveProperty('claims')
    await world.other.keys.revoke('ivan', { everywhere: true })
    expect(await pair.verify(token)).toHaveProperty('error')
  })

  it('answers 503, never 401, while the database is unavailable', async () => {
    const { latchkey, keys, steered, issuer } = createSteeredWorld()
    const guard = await start(latchkey, keys, 'pair')
    onTestFinished(async () => {
      await guard.close()
      await latchkey.close()
      await issuer.close()
    })
    const first = await issuer.issue({ subject: 'alice' })
    expect(await guard.verify(first.token)).toHaveProperty('claims')
    const { token } = await issuer.issue({ subject: 'bob' })
    steered.setReachable(false)
    const { error, status = 503 } = await guard.verify(token)
    expect(error).toMatchObject({ code: 'store_unavailable', status: 503 })
    expect(status).toBe(503)
    steered.setReachable(true)
    expect(await guard.verify(token)).toHaveProperty('claims')
  })

  it('answers 503, never 401, if the database is unavailable for the key look-up alone', async () => {
    const failing: Pick<KeySource, 'verifyingKey'> = {
      verifyingKey: () => {
        throw new LatchkeyError('store_unavailable')
      },
    }
    const guard = await start(world.latchkey, failing, 'pair')
    onTestFinished(() => guard.close())
    const { error, status = 503 } = await guard.verify(await world.issue('alice'))
    expect(error).toMatchObject({ code: 'store_unavailable', status: 503 })
    expect(status).toBe(503)
  })
})
