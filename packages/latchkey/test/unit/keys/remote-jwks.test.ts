import type { RequestListener } from 'node:http'
import { gzipSync } from 'node:zlib'
import { SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { encodeBase64url } from '../../../src/jws/base64url.js'
import { remoteJwks } from '../../../src/keys/remote-jwks.js'
import { createLatchkey } from '../../../src/latchkey.js'
import { createFakeClock } from '../../../src/testing/fake-clock.js'
import { createKey, issuer, sign, startIssuer, verifierOf } from '../../support/issuer.js'
import { outcomeOf } from '../../support/setup.js'

describe('verifying by another service’s JWKS', () => {
  it('fetches once for all concurrent callers, and is synchronous from then on', async () => {
    const { state, url } = await startIssuer()
    const key = await createKey('a')
    state.jwks = { keys: [key.jwk] }
    const { latchkey } = verifierOf(url)
    const tokens = await Promise.all(Array.from({ length: 20 }, () => sign(key)))
    for (const auth of await Promise.all(tokens.map((token) => latchkey.verify(token)))) {
      expect(auth).toMatchObject({ subject: 'alice', kid: 'a' })
    }
    expect(latchkey.verify(await sign(key))).not.toBeInstanceOf(Promise)
    expect(state.fetches).toBe(1)
  })

  it.each(['ES256', 'ES384', 'ES512', 'EdDSA', 'RS256', 'PS512'])('accepts %s', async (alg) => {
    const { state, url } = await startIssuer()
    const key = await createKey('a', alg)
    state.jwks = { keys: [key.jwk] }
    expect(await verifierOf(url).latchkey.verify(await sign(key))).toMatchObject({ subject: 'alice' })
  })

  it('fetches a new key when a token names it, and drops one that was withdrawn', async () => {
    const { state, url } = await startIssuer()
    const [a, b] = [await createKey('a'), await createKey('b')]
    state.jwks = { keys: [a.jwk] }
    const { latchkey, clock } = verifierOf(url)
    const [tokenOfA, tokenOfB] = [await sign(a), await sign(b)]
    await latchkey.verify(tokenOfA)
    state.jwks = { keys: [b.jwk] }
    clock.advance(30_000)
    expect(await latchkey.verify(tokenOfB)).toMatchObject({ kid: 'b' })
    clock.advance(600_001)
    expect(await outcomeOf(() => latchkey.verify(tokenOfA))).toBe('kid_unknown')
  })

  it('does not fetch for each kid of a flood of unknown ones', async () => {
    const { state, url } = await startIssuer()
    const key = await createKey('a')
    state.jwks = { keys: [key.jwk] }
    const { latchkey } = verifierOf(url)
    await latchkey.verify(await sign(key))
    for (let count = 0; count < 100; count += 1) {
      const forged = await sign({ ...key, kid: `forged-${count}` })
      expect(await outcomeOf(() => latchkey.verify(forged))).toBe('jwks_unavailable')
    }
    expect(state.fetches).toBe(1)
  })

  it('uses the last keys during an outage for outageTolerance, and then responds with 503, never with 401', async () => {
    const { state, url } = await startIssuer()
    const key = await createKey('a')
    state.jwks = { keys: [key.jwk] }
    const { latchkey, clock } = verifierOf(url)
    const token = await sign(key)
    await latchkey.verify(token)
    state.answer = (_, response) => response.writeHead(500).end()
    for (let minutes = 0; minutes < 70; minutes += 10) {
      expect(await latchkey.verify(token), `after ${minutes} minutes`).toMatchObject({ subject: 'alice' })
      clock.advance(600_000)
    }
    clock.advance(30_001)
    expect(await outcomeOf(() => latchkey.verify(token))).toBe('jwks_unavailable')
    state.answer = undefined
    clock.advance(30_000)
    expect(await latchkey.verify(token)).toMatchObject({ subject: 'alice' })
  })

  it.each<[string, RequestListener]>([
    ['an error', (_, response) => response.writeHead(500).end()],
    ['no JSON', (_, response) => response.end('<html>')],
    ['no key set', (_, response) => response.end('[]')],
    ['a body that stops half-way', (_, response) => response.write('{"keys":[')],
    ['nothing at all', () => {}],
    ['a cut connection', (request) => request.socket.destroy()],
  ])('responds with 503 to %s', async (_, answer) => {
    const { state, url } = await startIssuer()
    state.answer = answer
    const { latchkey } = verifierOf(url, { timeout: 300 })
    const token = await sign(await createKey('a'))
    const error = await Promise.resolve(latchkey.verify(token)).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'jwks_unavailable', status: 503 })
    expect(await outcomeOf(() => latchkey.verify(token))).toBe('jwks_unavailable')
    expect(state.fetches).toBe(1)
  })

  it.each<[string, (jwks: string) => RequestListener]>([
    [
      'has moved',
      (jwks) =>
        ({ url }, response) => {
          if (url === '/moved') response.end(jwks)
          else response.writeHead(302, { location: '/moved' }).end()
        },
    ],
    ['is huge', (jwks) => (_, response) => response.end(jwks + ' '.repeat(262_144))],
    [
      'is huge and compressed',
      (jwks) => (_, response) => {
        response.setHeader('content-encoding', 'gzip').end(gzipSync(jwks + ' '.repeat(262_144)))
      },
    ],
    ['comes with another status', (jwks) => (_, response) => response.writeHead(203).end(jwks)],
  ])('refuses a key set that %s, although its keys would fit', async (_, answering) => {
    const { state, url } = await startIssuer()
    const key = await createKey('a')
    state.answer = answering(JSON.stringify({ keys: [key.jwk] }))
    const { latchkey } = verifierOf(url)
    expect(await outcomeOf(async () => latchkey.verify(await sign(key)))).toBe('jwks_unavailable')
    expect(state.fetches).toBe(1)
  })

  it('does not fetch when the header shows that no key can fit', async () => {
    const { state, url } = await startIssuer()
    const key = await createKey('a')
    state.jwks = { keys: [key.jwk] }
    const { latchkey, clock } = verifierOf(url)
    const refused = [
      [{ alg: 'HS256', typ: 'at+jwt', kid: 'a' }, 'algorithm_refused'],
      [{ alg: 'none', typ: 'at+jwt', kid: 'a' }, 'algorithm_refused'],
      [{ alg: 'ES256', typ: 'JWT', kid: 'a' }, 'type_mismatch'],
      [{ alg: 'ES256', typ: 'at+jwt', kid: 'a', jku: url }, 'header_refused'],
    ] as const
    for (const [header, code] of refused) {
      expect(await outcomeOf(() => latchkey.verify(`${encodeBase64url(JSON.stringify(header))}.e30.AA`))).toBe(code)
    }
    expect(state.fetches).toBe(0)
    await latchkey.verify(await sign(key))
    clock.advance(60_000)
    const other = encodeBase64url(JSON.stringify({ alg: 'RS256', typ: 'at+jwt', kid: 'a' }))
    expect(await outcomeOf(() => latchkey.verify(`${other}.e30.AA`))).toBe('algorithm_refused')
    expect(state.fetches).toBe(1)
  })

  it('uses the first of several keys with one kid, and distinguishes those of different algorithms', async () => {
    const { state, url } = await startIssuer()
    const [first, second, third] = [await createKey('a'), await createKey('a'), await createKey('a', 'ES384')]
    state.jwks = { keys: [first.jwk, second.jwk, third.jwk] }
    const { latchkey } = verifierOf(url)
    expect(await latchkey.verify(await sign(first))).toMatchObject({ subject: 'alice' })
    expect(await outcomeOf(async () => latchkey.verify(await sign(second)))).toBe('signature_invalid')
    expect(await latchkey.verify(await sign(third))).toMatchObject({ subject: 'alice' })
  })

  it('refuses a withdrawn key as soon as that is known, also in tokens that were verified before', async () => {
    const { state, url } = await startIssuer()
    const [a, b] = [await createKey('a'), await createKey('b')]
    state.jwks = { keys: [a.jwk] }
    const { latchkey, clock } = verifierOf(url)
    const token = await sign(a)
    await latchkey.verify(token)
    state.jwks = { keys: [b.jwk] }
    clock.advance(30_000)
    await latchkey.verify(await sign(b))
    expect(await outcomeOf(() => latchkey.verify(token))).toBe('kid_unknown')
  })

  it('refuses a withdrawn key at once also when no token had to wait for it', async () => {
    const { state, url } = await startIssuer()
    const [a, b, c] = [await createKey('a'), await createKey('b'), await createKey('c')]
    state.jwks = { keys: [a.jwk, b.jwk] }
    const { latchkey, clock } = verifierOf(url)
    await latchkey.verify(await sign(a))
    const token = await sign(b)
    await latchkey.verify(token)
    state.jwks = { keys: [a.jwk, c.jwk] }
    clock.advance(30_000)
    await latchkey.verify(await sign(c))
    expect(await outcomeOf(() => latchkey.verify(token))).toBe('kid_unknown')
  })

  it('does not confuse a new key with an old one of the same kid, and keeps tokens of a key that stayed', async () => {
    const { state, url } = await startIssuer()
    const [stays, old, changed] = [await createKey('stays'), await createKey('a'), await createKey('a')]
    state.jwks = { keys: [stays.jwk, old.jwk] }
    const clock = createFakeClock(Date.now())
    const keys = remoteJwks(url, { clock })
    const keyOf = (kid: string) =>
      keys.verifyingKey(encodeBase64url(JSON.stringify({ alg: 'ES256', typ: 'at+jwt', kid })))
    const [stayed, went] = [await keyOf('stays'), await keyOf('a')]
    state.jwks = { keys: [stays.jwk, changed.jwk] }
    clock.advance(30_000)
    expect(await outcomeOf(() => keyOf('made up'))).toBe('kid_unknown')
    expect([stayed.isCurrent(clock.now()), went.isCurrent(clock.now())]).toEqual([true, false])
    expect((await keyOf('a')).isCurrent(clock.now())).toBe(true)
    clock.advance(600_001)
    expect(stayed.isCurrent(clock.now())).toBe(false)
  })

  it('waits for a hanging issuer once, and then fetches in the background', async () => {
    const { state, url } = await startIssuer()
    const key = await createKey('a')
    state.jwks = { keys: [key.jwk] }
    const { latchkey, clock } = verifierOf(url, { timeout: 200 })
    await latchkey.verify(await sign(key))
    let givenUp = 0
    state.answer = (_, response) => {
      response.on('close', () => {
        givenUp += 1
      })
    }
    clock.advance(600_001)
    expect(latchkey.verify(await sign(key))).toBeInstanceOf(Promise)
    expect(await latchkey.verify(await sign(key))).toMatchObject({ subject: 'alice' })
    expect(state.fetches).toBe(2)
    for (let round = 3; round <= 5; round += 1) {
      clock.advance(30_000)
      for (let count = 0; count < 10; count += 1) expect(latchkey.verify(await sign(key))).toMatchObject({ kid: 'a' })
      await expect.poll(() => state.fetches).toBe(round)
      await expect.poll(() => givenUp).toBe(round - 1)
    }
  })

  it('detects that the issuer has recovered although every token is cached', async () => {
    const { state, url } = await startIssuer()
    const key = await createKey('a')
    state.jwks = { keys: [key.jwk] }
    const { latchkey, clock } = verifierOf(url)
    const token = await sign(key)
    await latchkey.verify(token)
    state.answer = (_, response) => response.writeHead(500).end()
    clock.advance(600_001)
    await latchkey.verify(token)
    state.answer = undefined
    state.jwks = { keys: [] }
    clock.advance(30_000)
    await latchkey.verify(token)
    await expect.poll(() => outcomeOf(() => latchkey.verify(token))).toBe('kid_unknown')
  })

  it('responds with 503, never with 401, to a kid that cannot be looked up now', async () => {
    const { state, url } = await startIssuer()
    const [known, fresh] = [await createKey('a'), await createKey('b')]
    state.jwks = { keys: [known.jwk] }
    const { latchkey, clock } = verifierOf(url)
    await latchkey.verify(await sign(known))
    state.answer = (_, response) => response.writeHead(500).end()
    clock.advance(30_000)
    const token = await sign(fresh)
    for (let count = 0; count < 10; count += 1) {
      expect(await outcomeOf(() => latchkey.verify(token))).toBe('jwks_unavailable')
    }
    expect(state.fetches).toBe(2)
  })

  it('works when keys are fetched more often than the default cooldown', async () => {
    const { state, url } = await startIssuer()
    const key = await createKey('a')
    state.jwks = { keys: [key.jwk] }
    const clock = createFakeClock(Date.now())
    const latchkey = createLatchkey({ issuer, audience: 'test', clock, keys: remoteJwks(url, { clock, maxAge: 5 }) })
    for (let count = 0; count < 5; count += 1) {
      expect(await latchkey.verify(await sign(key))).toMatchObject({ subject: 'alice' })
      clock.advance(5001)
    }
    expect(() => remoteJwks(url, { maxAge: 5, cooldown: 6 })).toThrow(TypeError)
  })

  it('stops fetching after close', async () => {
    const { state, url } = await startIssuer()
    state.answer = () => {}
    const keys = remoteJwks(url, { timeout: 60_000 })
    const latchkey = createLatchkey({ issuer, audience: 'test', keys })
    const token = await sign(await createKey('a'))
    const pending = outcomeOf(() => latchkey.verify(token))
    await expect.poll(() => state.fetches).toBe(1)
    await latchkey.close()
    expect(await pending).toBe('jwks_unavailable')
    expect(await outcomeOf(() => latchkey.verify(token))).toBe('store_closed')
  })

  it('skips keys that cannot be used, and uses the others', async () => {
    const { state, url } = await startIssuer()
    const key = await createKey('good')
    const rsa = await createKey('rsa', 'RS256')
    const unusable = [
      null,
      'text',
      { kty: 'oct', k: 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA', kid: 'oct', alg: 'HS256' },
      { ...key.jwk, kid: 'enc', use: 'enc' },
      { ...key.jwk, kid: 'ops', key_ops: ['sign'] },
      { ...key.jwk, kid: 'alg', alg: 'ES384' },
      { ...key.jwk, kid: 'point', x: 'AAAA' },
      { ...rsa.jwk, alg: 'RSA-OAEP' },
    ]
    state.jwks = { keys: [...unusable, key.jwk] }
    const { latchkey } = verifierOf(url)
    expect(await latchkey.verify(await sign(key))).toMatchObject({ subject: 'alice' })
    for (const kid of ['enc', 'ops', 'alg', 'point']) {
      expect(await outcomeOf(async () => latchkey.verify(await sign({ ...key, kid })))).toBe('kid_unknown')
    }
    expect(await outcomeOf(async () => latchkey.verify(await sign(rsa)))).toBe('kid_unknown')
    const secret = Buffer.alloc(32)
    const symmetric = await new SignJWT({}).setProtectedHeader({ alg: 'HS256', kid: 'oct', typ: 'at+jwt' }).sign(secret)
    expect(await outcomeOf(() => latchkey.verify(symmetric))).toBe('algorithm_refused')
    const wouldHaveBeen = { ...key, kid: 'oct' }
    expect(await outcomeOf(async () => latchkey.verify(await sign(wouldHaveBeen)))).toBe('kid_unknown')
  })

  it('cannot sign', async () => {
    const { url } = await startIssuer()
    const { latchkey } = verifierOf(url)
    await expect(async () => latchkey.issue({ subject: 'alice' })).rejects.toThrow(TypeError)
  })

  it.each(['http://example.com/jwks.json', 'ftp://127.0.0.1/', 'https://user:secret@example.com/', 'not a URL'])(
    'is not done from %s',
    (url) => {
      expect(() => remoteJwks(url)).toThrow(TypeError)
    },
  )
})
