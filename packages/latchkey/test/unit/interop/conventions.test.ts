import { KeyObject } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import fastifyJwt from '@fastify/jwt'
import { Logger } from '@nestjs/common'
import { JwtService, WrongSecretProviderError } from '@nestjs/jwt'
import express, { type ErrorRequestHandler, type Express } from 'express'
import { expressjwt, type Params } from 'express-jwt'
import { createVerifier } from 'fast-jwt'
import fastify from 'fastify'
import { Hono } from 'hono'
import { jwt as honoJwt, type JwtVariables } from 'hono/jwt'
import { errors, jwtVerify } from 'jose'
import jwt from 'jsonwebtoken'
import passport from 'passport'
import { ExtractJwt, Strategy } from 'passport-jwt'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { keyPair, sharedSecret } from '../../../src/index.js'
import {
  type CheckedClaims,
  expressJwtPair,
  fastifyJwtPair,
  fastJwtPair,
  honoJwtPair,
  josePair,
  jsonwebtokenPair,
  nestJwtPair,
  passportJwtPair,
} from '../../../src/interop/index.js'
import type { KeySource } from '../../../src/keys/key-source.js'
import { createLatchkey } from '../../../src/latchkey.js'
import type { Latchkey } from '../../../src/latchkey-api.js'
import { generatePair } from '../../support/generate-pair.js'
import { createSteeredWorld, createWorld, decode, sign, type World } from './world.js'

let world: World
beforeAll(() => {
  world = createWorld()
})
afterAll(() => world.close())

async function failureOf(work: PromiseLike<unknown>): Promise<Error> {
  try {
    await work
  } catch (error) {
    return error as Error
  }
  throw new Error('The call did not fail.')
}

const foreign = async () => world.forge(await world.issue('alice'), { claims: { sub: 'bob' } })
const expired = async () => world.forge(await world.issue('alice'), { claims: { iat: 1, exp: 2 } })

/** Starts an application that reports each error, and returns its address. */
async function serveExpress(app: Express): Promise<string> {
  app.set('env', 'test')
  const server = createServer(app)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

async function guardedBy(options: Params): Promise<{ url: string; failures: unknown[] }> {
  const failures: unknown[] = []
  const app = express()
  app.get('/', expressjwt(options), (_req, res) => void res.send('passed'))
  const record: ErrorRequestHandler = (error, _req, _res, next) => {
    failures.push(error)
    next(error)
  }
  app.use(record)
  return { url: await serveExpress(app), failures }
}

const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })

describe('jsonwebtoken', () => {
  const verify = (token: string, options: jwt.VerifyOptions = {}, checked = token): Promise<unknown> => {
    const pair = jsonwebtokenPair(world.latchkey, world.keys)
    return new Promise((resolve, reject) => {
      const done = (error: Error | null, claims?: unknown) => (error === null ? resolve(claims) : reject(error))
      const all = { ...pair.options, ...options, complete: false } as const
      jwt.verify(token, pair.key, all, pair.check(checked, done))
    })
  }

  it('keeps the classes of its errors, with the refusal of Latchkey as the cause', async () => {
    const error = await failureOf(verify(await expired()))
    expect(error).toBeInstanceOf(jwt.TokenExpiredError)
    expect(error.cause).toMatchObject({ code: 'token_expired' })
    const refused = await failureOf(verify(await foreign()))
    expect(refused).toMatchObject({ name: 'JsonWebTokenError', cause: { code: 'subject_mismatch' } })
    const unknown = sign({ alg: 'HS256', typ: 'at+jwt', kid: 'x' }, {}, Buffer.alloc(32), 'HS256')
    const error401 = await failureOf(verify(unknown))
    expect(error401).toBeInstanceOf(jwt.JsonWebTokenError)
    expect(error401.cause).toMatchObject({ code: 'kid_unknown' })
  })

  it('still applies options of its own', async () => {
    const token = await world.issue('alice')
    expect(await verify(token, { audience: 'test' })).toMatchObject({ sub: 'alice' })
    const error = await failureOf(verify(token, { audience: 'other' }))
    expect(error).toBeInstanceOf(jwt.JsonWebTokenError)
    expect(error.cause).toBeUndefined()
  })

  it('does not accept a token because another one is checked', async () => {
    const error = await failureOf(verify(await foreign(), {}, await world.issue('alice')))
    expect(error).toBeInstanceOf(TypeError)
  })

  it('verifies the tokens of a shared secret, also of one longer than the block of its hash', async () => {
    for (const secret of [Buffer.alloc(32, 7), Buffer.alloc(100, 7)]) {
      const keys = sharedSecret({ secrets: [secret] })
      const latchkey = createLatchkey({ issuer: 'https://issuer.test', audience: 'test', keys })
      const { token } = await latchkey.issue({ subject: 'alice', claims: { roles: ['editor'] } })
      const pair = jsonwebtokenPair(latchkey, keys)
      const claims = await new Promise((resolve) =>
        jwt.verify(
          token,
          pair.key,
          pair.options,
          pair.check(token, (_error, found) => resolve(found)),
        ),
      )
      expect(claims).toMatchObject({ sub: 'alice', roles: ['editor'] })
    }
  })
})

describe('jose', () => {
  it('keeps the codes of its errors, with the refusal of Latchkey as the cause', async () => {
    const { key, options, check } = josePair(world.latchkey, world.keys)
    const verify = (token: string) => failureOf(check(token, jwtVerify(token, key, options)))
    expect(await verify(await expired())).toBeInstanceOf(errors.JWTExpired)
    const refused = await verify(await foreign())
    expect(refused).toMatchObject({ code: 'ERR_JWT_INVALID', name: 'JWTInvalid', cause: { code: 'subject_mismatch' } })
    expect(await verify('garbage')).toBeInstanceOf(errors.JWSInvalid)
  })

  it('receives a key that can neither sign nor be exported', async () => {
    const { key, options } = josePair(world.latchkey, world.keys)
    const found = await jwtVerify(await world.issue('alice'), key, options)
    expect(found.key).toMatchObject({ extractable: false, usages: ['verify'], type: 'secret' })
  })
})

describe('fast-jwt', () => {
  it('keeps the codes of its errors, with the refusal of Latchkey as the cause', async () => {
    const { options, check } = fastJwtPair(world.latchkey, world.keys, { allowedAud: 'test' })
    const verifier = createVerifier(options)
    const verify = (token: string) => failureOf(check(token, verifier(token)))
    expect(await verify(await expired())).toMatchObject({
      code: 'FAST_JWT_EXPIRED',
      cause: { code: 'token_expired' },
    })
    expect(await verify(await foreign())).toMatchObject({ cause: { code: 'subject_mismatch' } })
  })

  it('with a cache accepts a revoked token by its key alone, and the check refuses it', async () => {
    const { options, check } = fastJwtPair(world.latchkey, world.keys)
    const caching = createVerifier({ ...options, cache: true })
    const token = await world.issue('judy')
    expect(await check(token, caching(token))).toMatchObject({ sub: 'judy' })
    await world.other.keys.revoke('judy', { everywhere: true })
    expect(await caching(token)).toMatchObject({ sub: 'judy' })
    const error = await failureOf(check(token, caching(token)))
    expect(error).toMatchObject({ cause: { code: 'token_revoked' } })
  })

  it.each([true, 1000])('must not have a cache: %s', (cache) => {
    expect(() => fastJwtPair(world.latchkey, world.keys, { cache })).toThrow(/cache .*revocation/)
    expect(() => fastifyJwtPair(world.latchkey, world.keys, { verify: { cache } })).toThrow(/cache .*revocation/)
  })

  it.each(['key', 'algorithms', 'complete'])('must not have an option that the pair decides: %s', (name) => {
    expect(() => fastJwtPair(world.latchkey, world.keys, { [name]: undefined })).toThrow(name)
    expect(() => fastifyJwtPair(world.latchkey, world.keys, { verify: { [name]: undefined } })).toThrow(name)
  })
})

describe('@nestjs/jwt', () => {
  it('verifies asynchronously only, and signs nothing', async () => {
    const { options } = nestJwtPair(world.latchkey, world.keys, { verifyOptions: { audience: 'test' } })
    const service = new JwtService(options)
    Logger.overrideLogger(false)
    const token = await world.issue('alice')
    expect(() => service.verify(token)).toThrow(WrongSecretProviderError)
    expect(() => service.sign({ sub: 'alice' })).toThrow(/latchkey\.issue/)
    expect(await failureOf((async () => service.signAsync({ sub: 'alice' }))())).toBeInstanceOf(TypeError)
    expect(() => nestJwtPair(world.latchkey, world.keys, { verifyOptions: { algorithms: ['none'] } })).toThrow(
      /algorithms/,
    )
  })
})

describe('express-jwt', () => {
  it('responds to a refused token as before: UnauthorizedError, 401, and a challenge', async () => {
    const { url, failures } = await guardedBy(expressJwtPair(world.latchkey, world.keys).options)
    const revoked = await world.issue('mallory', 'phone')
    await world.keys.revokeSession('mallory', 'phone')
    for (const [token, code, cause] of [
      [await foreign(), 'invalid_token', 'subject_mismatch'],
      [revoked, 'revoked_token', 'session_ended'],
      ['garbage', 'invalid_token', 'token_malformed'],
    ] as const) {
      const response = await fetch(url, bearer(token))
      expect(response.status).toBe(401)
      expect(response.headers.get('www-authenticate')).toMatch(/^Bearer error="invalid_token"/)
      expect(failures.pop()).toMatchObject({ name: 'UnauthorizedError', status: 401, code, cause: { code: cause } })
    }
    await fetch(url, bearer(await expired()))
    expect(failures.pop()).toMatchObject({ code: 'invalid_token', inner: { name: 'TokenExpiredError' } })
  })

  it('keeps its own errors for requests without a token', async () => {
    const { url, failures } = await guardedBy(expressJwtPair(world.latchkey, world.keys).options)
    await fetch(url)
    await fetch(url, { headers: { authorization: 'Basic YTpi' } })
    await fetch(url, { headers: { authorization: 'Bearer a b' } })
    expect(failures).toMatchObject([
      { code: 'credentials_required' },
      { code: 'credentials_bad_scheme' },
      { code: 'credentials_bad_format' },
    ])
  })

  it('checks the token of getToken, and no other one', async () => {
    const getToken = (req: { readonly headers: Readonly<Record<string, string | string[] | undefined>> }) =>
      String(req.headers['x-token'])
    const { options } = expressJwtPair(world.latchkey, world.keys, { getToken })
    const { url } = await guardedBy(options)
    const send = async (to: string, token: string, authorization?: string) => {
      const headers = { 'x-token': token, ...(authorization && { authorization: `Bearer ${authorization}` }) }
      return (await fetch(to, { headers })).status
    }
    const good = await world.issue('alice')
    expect(await send(url, good)).toBe(200)
    expect(await send(url, await foreign(), good)).toBe(401)
    // The application forgot to pass `getToken` to the pair.
    const wrong = await guardedBy({ ...expressJwtPair(world.latchkey, world.keys).options, getToken })
    expect(await send(wrong.url, await foreign(), good)).toBe(500)
    expect(await send(wrong.url, good)).toBe(500)
  })

  it('refuses an expired token although onExpired lets it pass', async () => {
    const { options } = expressJwtPair(world.latchkey, world.keys)
    const { url, failures } = await guardedBy({ ...options, onExpired: () => {} })
    expect((await fetch(url, bearer(await expired()))).status).toBe(401)
    expect(failures).toMatchObject([{ cause: { code: 'token_expired' } }])
  })
})

describe('passport-jwt', () => {
  it('checks claims in validate of @nestjs/passport, which calls it as here', async () => {
    const { options, checkClaims } = passportJwtPair(world.latchkey, world.keys)
    const jwtFromRequest = ExtractJwt.fromAuthHeaderAsBearerToken()
    const authenticator = new passport.Passport()
    const validate = (request: object, claims: unknown) => checkClaims(request, claims)
    authenticator.use(
      new Strategy({ ...options, jwtFromRequest }, (request, claims, done) => {
        validate(request, claims).then(
          (user) => done(null, user),
          (error) => done(error),
        )
      }),
    )
    const app = express()
    app.get('/', authenticator.authenticate('jwt', { session: false }), (req, res) => void res.json(req.user))
    const url = await serveExpress(app)
    const accepted = await fetch(url, bearer(await world.issue('alice')))
    expect(await accepted.json()).toMatchObject({ sub: 'alice', roles: [] })
    expect((await fetch(url, bearer(await foreign()))).status).toBe(401)
    expect((await fetch(url, bearer('garbage'))).status).toBe(401)
  })

  it('passes an error that the application throws to the error handler', async () => {
    const { options, check } = passportJwtPair(world.latchkey, world.keys)
    const jwtFromRequest = ExtractJwt.fromAuthHeaderAsBearerToken()
    const authenticator = new passport.Passport()
    const failing = check(() => {
      throw Object.assign(new Error('The application failed.'), { status: 418 })
    })
    authenticator.use(new Strategy({ ...options, jwtFromRequest }, failing))
    const app = express()
    app.get('/', authenticator.authenticate('jwt', { session: false }))
    expect((await fetch(await serveExpress(app), bearer(await world.issue('alice')))).status).toBe(418)
  })
})

describe('@fastify/jwt', () => {
  const start = async (change: object = {}) => {
    const { options } = fastifyJwtPair(world.latchkey, world.keys, { verify: { allowedAud: 'test' } })
    const app = fastify()
    onTestFinished(() => app.close())
    await app.register(fastifyJwt, { ...options, ...change })
    app.get('/', { onRequest: (request) => request.jwtVerify() }, async (request) => request.user)
    app.get('/sign', async (_request, reply) => reply.jwtSign({ sub: 'alice' }, {}))
    app.get('/two', async (request) => {
      const subjectIn = async (header: string) => {
        // The types of the plugin lack this option of one call.
        const verify: object = { extractToken: () => String(request.headers[header]) }
        return (await request.jwtVerify<{ sub: string }>({ decode: {}, verify })).sub
      }
      const subjects = await Promise.allSettled(['x-one', 'x-two'].map(subjectIn))
      return subjects.map((subject) => (subject.status === 'fulfilled' ? subject.value : undefined))
    })
    app.get('/instance', async ({ headers }) => app.jwt.verify(String(headers.authorization).slice(7)))
    await app.listen({ port: 0, host: '127.0.0.1' })
    return `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
  }

  it('responds to a refused token as before: a code of the plugin, 401, and a challenge', async () => {
    const url = await start()
    const refused = await fetch(url, bearer(await foreign()))
    expect(refused.headers.get('www-authenticate')).toMatch(/^Bearer error="invalid_token"/)
    expect([refused.status, await refused.json()]).toMatchObject([
      401,
      { code: 'FST_JWT_AUTHORIZATION_TOKEN_UNTRUSTED', statusCode: 401, error: 'Unauthorized' },
    ])
    const late = await fetch(url, bearer(await expired()))
    expect([late.status, await late.json()]).toMatchObject([401, { code: 'FST_JWT_AUTHORIZATION_TOKEN_EXPIRED' }])
    const without = await fetch(url)
    expect([without.status, await without.json()]).toMatchObject([401, { code: 'FST_JWT_NO_AUTHORIZATION_IN_HEADER' }])
  })

  it('has no key to sign with', async () => {
    expect((await fetch(`${await start()}/sign`)).status).toBe(500)
  })

  it('does not mix up two tokens of one request that are verified at once', async () => {
    const url = `${await start()}/two`
    const [good, bad] = [await world.issue('alice'), await foreign()]
    for (const [one, two] of [
      [good, bad],
      [bad, good],
    ] as const) {
      const response = await fetch(url, { headers: { 'x-one': one, 'x-two': two } })
      expect(await response.json()).not.toContain('bob')
    }
    const alike = await fetch(url, { headers: { 'x-one': good, 'x-two': good } })
    expect(await alike.json()).toEqual(['alice', 'alice'])
  })

  it('accepts nothing by the verify of the instance, which checks no trust', async () => {
    const response = await fetch(`${await start()}/instance`, bearer(await world.issue('alice')))
    expect(response.ok).toBe(false)
  })

  it('accepts nothing if the application replaces the option decode', async () => {
    const response = await fetch(await start({ decode: {} }), bearer(await world.issue('alice')))
    expect(response.status).toBe(500)
  })
})

describe('hono/jwt', () => {
  const start = (settings: Parameters<typeof honoJwtPair>[2] = {}) => {
    const pair = honoJwtPair(world.latchkey, world.keys, settings)
    const app = new Hono<{ Variables: JwtVariables<CheckedClaims> }>()
    app.use(async (c, next) => honoJwt(await pair.options(c))(c, pair.check(c, next)))
    app.get('/', (c) => c.text(c.get('jwtPayload').sub))
    return app
  }

  it('responds to a refused token with 401 and a challenge, and keeps its own responses', async () => {
    const app = start()
    const refused = await app.request('/', bearer(await foreign()))
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([
      401,
      expect.stringMatching(/^Bearer error="invalid_token"/),
    ])
    for (const headers of [{}, { authorization: 'Basic YTpi' }, { authorization: 'Bearer a b' }]) {
      const response = await app.request('/', { headers })
      expect([response.status, await response.text()]).toEqual([401, 'Unauthorized'])
    }
  })

  it('reads the token from the cookie or the header of its options', async () => {
    const token = await world.issue('alice')
    const fromCookie = await start({ cookie: 'session' }).request('/', { headers: { cookie: `a=b; session=${token}` } })
    expect(await fromCookie.text()).toBe('alice')
    const fromHeader = await start({ headerName: 'x-auth' }).request('/', { headers: { 'x-auth': `Bearer ${token}` } })
    expect(await fromHeader.text()).toBe('alice')
    const foreignCookie = { headers: { cookie: `session=${await foreign()}` } }
    expect((await start({ cookie: 'session' }).request('/', foreignCookie)).status).toBe(401)
  })

  it('accepts no token but the one that the middleware verified', async () => {
    const [own, other] = [await world.issue('alice'), await world.issue('bob')]
    const headers = { cookie: `session=${own}; session=${other}` }
    const response = await start({ cookie: 'session' }).request('/', { headers })
    if (response.status === 200) expect(['alice', 'bob']).toContain(await response.text())
    const mixed = { headers: { cookie: `session=${await foreign()}; session=${own}` } }
    expect(await (await start({ cookie: 'session' }).request('/', mixed)).text()).not.toBe('bob')
  })
})

describe('every pair', () => {
  const pairs: readonly ((latchkey: Latchkey, keys: KeySource) => object)[] = [
    jsonwebtokenPair,
    josePair,
    fastJwtPair,
    nestJwtPair,
    expressJwtPair,
    passportJwtPair,
    fastifyJwtPair,
    honoJwtPair,
  ]

  it.each(pairs)('names a missing argument when it is created: %o', (pair) => {
    expect(() => pair(undefined as never, world.keys)).toThrow(/latchkey is missing/)
    expect(() => pair(world.latchkey, undefined as never)).toThrow(/keys is missing/)
    expect(() => pair(world.latchkey, world.latchkey as never)).toThrow(/keys is missing/)
  })

  it('refuses a key source without secrets, whose tokens other libraries verify by its JWKS', async () => {
    const { privateKey } = generatePair('ec', { namedCurve: 'P-256' })
    const keys = keyPair({ keys: [{ kid: 'k', alg: 'ES256', privateKey }] })
    const latchkey = createLatchkey({ issuer: 'https://issuer.test', audience: 'test', keys })
    const { token } = await latchkey.issue({ subject: 'alice' })
    const service = new JwtService(nestJwtPair(latchkey, keys).options)
    expect(await failureOf(service.verifyAsync(token))).toMatchObject({ message: expect.stringMatching(/no secrets/) })
  })

  it('finds the secrets of another copy of the package in the process', async () => {
    const { createLatchkey: create, Keyring, tenantSecrets } = await import('latchkey')
    const { memoryStore } = await import('latchkey/memory')
    const keys = tenantSecrets({ store: memoryStore(), masterKeys: Keyring.generate('other') })
    const latchkey = create({ issuer: 'https://issuer.test', audience: 'test', keys })
    onTestFinished(() => latchkey.close())
    const { token } = await latchkey.issue({ subject: 'alice' })
    const { key, options, check } = josePair(latchkey, keys)
    expect((await check(token, jwtVerify(token, key, options))).payload).toMatchObject({ sub: 'alice' })
    await keys.revoke('alice')
    const error = await failureOf(check(token, jwtVerify(token, key, options)))
    expect(error).toMatchObject({ code: 'ERR_JWT_INVALID', cause: { code: 'token_revoked' } })
  })

  it('reads nothing from the database for a forged key ID (C2)', async () => {
    const { latchkey, keys, steered } = createSteeredWorld()
    onTestFinished(() => latchkey.close())
    const { token } = await latchkey.issue({ subject: 'alice' })
    const before = steered.reads
    const forged = sign(
      { alg: 'HS256', typ: 'at+jwt', kid: 'A'.repeat(32) },
      decode(token, 1),
      Buffer.alloc(32),
      'HS256',
    )
    const { key, options, check } = josePair(latchkey, keys)
    expect(await failureOf(check(forged, jwtVerify(forged, key, options)))).toMatchObject({
      cause: { code: 'kid_unknown' },
    })
    expect(steered.reads).toBe(before)
  })

  it('shows no byte of a secret in the key, in its inspection or in JSON', async () => {
    const token = await world.issue('alice')
    const [segment = ''] = token.split('.')
    const found = await nestJwtPair(world.latchkey, world.keys).options.secretOrKeyProvider(1, token)
    const verifying = await (world.keys as KeySource).verifyingKey(segment)
    expect(found).toBeInstanceOf(KeyObject)
    const secret = found.export()
    for (const shown of [found, verifying]) {
      const text = inspect(shown, { depth: 9, showHidden: true }) + JSON.stringify(shown)
      for (const encoding of ['hex', 'base64', 'base64url', 'latin1'] as const)
        expect(text).not.toContain(secret.toString(encoding))
    }
  })
})
