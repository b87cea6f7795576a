import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { RequestListener } from 'node:http'
import { createServer } from 'node:net'
import { inspect } from 'node:util'
import fastify from 'fastify'
import { describe, expect, it, onTestFinished } from 'vitest'
import { requireAuth } from '../../../src/adapters/fastify/index.js'
import { problemAnswer } from '../../../src/http/problem.js'
import { type RemoteJwksOptions, remoteJwks } from '../../../src/keys/remote-jwks.js'
import type { JwksFailure } from '../../../src/keys/report-jwks-failure.js'
import { createKey, failureOf, type IssuerKey, sign, startIssuer, verifierOf } from '../../support/issuer.js'
import { outcomeOf } from '../../support/setup.js'

async function outcomeWith(jwks: unknown, key: IssuerKey, alg: string, options: RemoteJwksOptions = {}) {
  const { state, url } = await startIssuer()
  state.jwks = jwks
  const { latchkey } = verifierOf(url, options)
  return outcomeOf(async () => latchkey.verify(await sign(key, { alg, kid: key.kid, typ: 'at+jwt' })))
}

const accepted = { subject: 'alice' }

describe('the algorithm of a key of another service', () => {
  it('is RS256 for an RSA key without alg, or the one of the option', async () => {
    const [rs256, ps256] = [await createKey('a', 'RS256'), await createKey('a', 'PS256')]
    const open = ({ jwk }: IssuerKey) => ({ keys: [{ ...jwk, alg: undefined }] })
    expect(await outcomeWith(open(rs256), rs256, 'RS256')).toMatchObject(accepted)
    expect(await outcomeWith(open(ps256), ps256, 'PS256', { algorithm: 'PS256' })).toMatchObject(accepted)
    expect(await outcomeWith(open(ps256), ps256, 'PS256')).toBe('algorithm_refused')
    expect(await outcomeWith(open(rs256), rs256, 'RS256', { algorithm: 'PS256' })).toBe('algorithm_refused')
  })

  it('is that of the JWK, whatever the option is', async () => {
    const [rsa, ec] = [await createKey('a', 'PS384'), await createKey('a', 'ES384')]
    const { alg: _, ...curve } = ec.jwk
    expect(await outcomeWith({ keys: [rsa.jwk] }, rsa, 'PS384')).toMatchObject(accepted)
    expect(await outcomeWith({ keys: [curve] }, ec, 'ES384')).toMatchObject(accepted)
    expect(await outcomeWith({ keys: [{ ...rsa.jwk, alg: null }] }, rsa, 'PS384')).toBe('kid_unknown')
  })

  it.each(['ES256', 'HS256', 'none', 'rs256'])('cannot be set to %s', (algorithm) => {
    expect(() => remoteJwks('https://issuer.test/', { algorithm: algorithm as 'RS256' })).toThrow(TypeError)
  })

  it('is one of two names for Ed25519', async () => {
    const key = await createKey('a', 'Ed25519')
    for (const alg of ['Ed25519', 'EdDSA', undefined]) {
      for (const name of ['Ed25519', 'EdDSA']) {
        expect([alg, name, await outcomeWith({ keys: [{ ...key.jwk, alg }] }, key, name)]).toMatchObject([
          alg,
          name,
          accepted,
        ])
      }
    }
    expect(await outcomeWith({ keys: [{ ...key.jwk, alg: 'Ed448' }] }, key, 'Ed25519')).toBe('kid_unknown')
  })
})

describe('the response with a key set', () => {
  const text = async (key: IssuerKey) => JSON.stringify({ keys: [key.jwk], title: 'Schlüssel' })

  it.each<[string, (jwks: string) => RequestListener]>([
    ['begins with a byte order mark', (jwks) => (_, response) => response.end(`\ufeff${jwks}`)],
    ['has no content type', (jwks) => (_, response) => response.end(jwks)],
    [
      'is called plain text',
      (jwks) => (_, response) => response.setHeader('content-type', 'text/plain; charset=utf-8').end(jwks),
    ],
    [
      'is of the registered type',
      (jwks) => (_, response) => response.setHeader('content-type', 'application/jwk-set+json').end(jwks),
    ],
  ])('is accepted when it %s', async (_, answering) => {
    const { state, url } = await startIssuer()
    const key = await createKey('a')
    state.answer = answering(await text(key))
    expect(await verifierOf(url).latchkey.verify(await sign(key))).toMatchObject(accepted)
  })

  it.each<[string, (jwks: string) => RequestListener]>([
    ['is UTF-16', (jwks) => (_, response) => response.end(Buffer.from(`\ufeff${jwks}`, 'utf16le'))],
    ['is UTF-16 without a mark', (jwks) => (_, response) => response.end(Buffer.from(jwks, 'utf16le'))],
    ['is Latin-1', (jwks) => (_, response) => response.end(Buffer.from(jwks, 'latin1'))],
    [
      'ends too early',
      (jwks) => (request, response) => {
        response.writeHead(200, { 'content-length': jwks.length + 100 }).write(jwks)
        setImmediate(() => request.socket.destroy())
      },
    ],
    ['is empty', () => (_, response) => response.end()],
    ['is a key instead of a set', (jwks) => (_, response) => response.end(JSON.stringify(JSON.parse(jwks).keys[0]))],
    ['has an object of keys', (jwks) => (_, response) => response.end(jwks.replace(/\[(.*)\]/, '$1'))],
  ])('is a failure when it %s', async (_, answering) => {
    const { state, url } = await startIssuer()
    const key = await createKey('a')
    state.answer = answering(await text(key))
    expect(await outcomeOf(async () => verifierOf(url).latchkey.verify(await sign(key)))).toBe('jwks_unavailable')
  })

  it('yields no key that has a private member, and all keys beside it', async () => {
    const [good, ec, rsa] = [await createKey('good'), await createKey('ec'), await createKey('rsa', 'RS256')]
    const keys = [{ ...ec.jwk, d: 'AAAA' }, { ...rsa.jwk, p: 'AAAA' }, good.jwk]
    expect(await outcomeWith({ keys }, good, 'ES256')).toMatchObject(accepted)
    expect(await outcomeWith({ keys }, ec, 'ES256')).toBe('kid_unknown')
    expect(await outcomeWith({ keys }, rsa, 'RS256')).toBe('kid_unknown')
  })
})

describe('the URL of a key set', () => {
  it('is plain http to another machine only with an option', () => {
    const url = 'http://auth.default.svc.cluster.local:3000/.well-known/jwks.json'
    expect(() => remoteJwks(url)).toThrow(TypeError)
    expect(() => remoteJwks(url, { allowHttp: false })).toThrow(TypeError)
    expect(() => remoteJwks(url, { allowHttp: 'false' as unknown as boolean })).toThrow(TypeError)
    expect(() => remoteJwks(url, { allowHttp: true })).not.toThrow()
  })

  it.each(['http://localhost:3000/', 'http://127.0.0.1/', 'http://127.1/', 'http://[::1]:80/', 'HTTP://LOCALHOST/'])(
    'may be that of this machine without it: %s',
    (url) => {
      expect(() => remoteJwks(url)).not.toThrow()
    },
  )

  it.each([
    'http://localhost.evil.test/',
    'http://127.0.0.1.evil.test/',
    'http://evil.test/?localhost',
    'http://evil.test#@localhost',
    'http://0.0.0.0/',
    'http://[::ffff:192.0.2.1]/',
  ])('does not count as one of this machine: %s', (url) => {
    expect(() => remoteJwks(url)).toThrow(TypeError)
  })

  it.each(['file:///etc/jwks.json', 'data:application/json,{}', 'http://user:secret@issuer.test/', '', undefined])(
    'is never %s, with the option too',
    (url) => {
      expect(() => remoteJwks(url as string, { allowHttp: true })).toThrow(TypeError)
    },
  )
})

describe('the reason why a key set cannot be fetched', () => {
  async function causeOf(answer: RequestListener, options?: RemoteJwksOptions): Promise<string> {
    const { state, url } = await startIssuer()
    state.answer = answer
    return messageOf(`${url}?key=hidden`, options)
  }

  async function messageOf(url: string, options?: RemoteJwksOptions): Promise<string> {
    const token = await sign(await createKey('a'))
    const error = await failureOf(() => verifierOf(url, options).latchkey.verify(token))
    const { cause } = error as { cause?: unknown }
    if (!(cause instanceof Error)) throw new Error('The refusal has no cause.')
    expect(cause.message).not.toContain('hidden')
    return cause.message
  }

  it('is the cause of the refusal', async () => {
    expect(await causeOf((_, response) => response.writeHead(404).end())).toContain('404')
    expect(await causeOf((_, response) => response.writeHead(302, { location: '/' }).end())).toMatch(/302.*redirect/)
    expect(await causeOf(() => {}, { timeout: 300 })).toContain('300 ms')
    expect(await causeOf((_, response) => response.end('<html>secret text'))).not.toContain('secret text')
  })

  it('is the cause also for a host that cannot be reached', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    await new Promise((resolve) => server.close(resolve))
    for (const host of ['127.0.0.1', 'localhost']) expect(await messageOf(`http://${host}:${port}/`)).toMatch(/ECONN/)
  })

  it('reaches the error handler of the application, and never the response', async () => {
    const { state, url } = await startIssuer()
    state.answer = (_, response) => response.writeHead(418).end()
    const { latchkey } = verifierOf(url)
    const headers = { authorization: `Bearer ${await sign(await createKey('a'))}` }
    const app = fastify()
    const handled: Error[] = []
    app.addHook('onError', async (_request, _reply, error) => void handled.push(error))
    app.get('/', { onRequest: requireAuth(latchkey) }, async () => ({}))
    for (const seconds of ['30', '30']) {
      const { statusCode, body, headers: sent } = await app.inject({ url: '/', headers })
      expect([statusCode, sent['retry-after']]).toEqual([503, seconds])
      expect(JSON.stringify([body, sent])).not.toContain('418')
    }
    expect(handled.map(({ cause }) => inspect(cause))).toEqual(handled.map(() => expect.stringContaining('418')))
    expect(JSON.stringify(problemAnswer(handled[0]))).not.toContain('418')
    expect(handled).toHaveLength(2)
  })

  it('is published, also while the last keys are used, and is then no warning', async () => {
    const { state, url } = await startIssuer()
    const key = await createKey('a')
    state.jwks = { keys: [key.jwk] }
    const { latchkey, clock } = verifierOf(`${url}?key=hidden`)
    await latchkey.verify(await sign(key))
    const [published, warnings] = [listenToFailures(), listenToWarnings()]
    state.answer = (_, response) => response.writeHead(500).end()
    clock.advance(601_000)
    expect(await latchkey.verify(await sign(key))).toMatchObject(accepted)
    expect(published).toMatchObject([{ url, error: { message: expect.stringContaining('500') } }])
    await new Promise(setImmediate)
    expect(warnings).toEqual([])
  })

  it('is one warning without a subscriber, until it changes or the issuer has recovered', async () => {
    const { state, url } = await startIssuer()
    const key = await createKey('a')
    const { latchkey, clock } = verifierOf(url)
    const warnings = listenToWarnings()
    const attempt = async (answer: RequestListener | undefined) => {
      state.answer = answer
      clock.advance(30_000)
      await outcomeOf(async () => latchkey.verify(await sign({ ...key, kid: `kid-${clock.now()}` })))
      await new Promise(setImmediate)
      return warnings.splice(0).map(({ message }) => /\d{3}\.$/.exec(message)?.[0])
    }
    const failing =
      (status: number): RequestListener =>
      (_, response) =>
        response.writeHead(status).end()
    expect(channel('latchkey:jwks:failure').hasSubscribers).toBe(false)
    expect(await attempt(failing(500))).toEqual(['500.'])
    expect(await attempt(failing(500))).toEqual([])
    expect(await attempt(failing(404))).toEqual(['404.'])
    expect(await attempt(undefined)).toEqual([])
    expect(await attempt(failing(404))).toEqual(['404.'])
  })
})

function listenToFailures(): JwksFailure[] {
  const published: JwksFailure[] = []
  const listener = (failure: unknown) => void published.push(failure as JwksFailure)
  subscribe('latchkey:jwks:failure', listener)
  onTestFinished(() => void unsubscribe('latchkey:jwks:failure', listener))
  return published
}

function listenToWarnings(): Error[] {
  const warnings: Error[] = []
  const listener = (warning: Error) => {
    if (warning.name === 'LatchkeyWarning') warnings.push(warning)
  }
  process.on('warning', listener)
  onTestFinished(() => void process.off('warning', listener))
  return warnings
}
