import type { ServerResponse } from 'node:http'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it, onTestFinished } from 'vitest'
import { remoteJwks } from '../../../src/keys/remote-jwks.js'
import { createLatchkey } from '../../../src/latchkey.js'
import { createKey, failureOf, issuer, sign, startIssuer, verifierOf } from '../../support/issuer.js'
import { outcomeOf } from '../../support/setup.js'

const unasked = (seconds: number) => ({
  code: 'jwks_unavailable',
  status: 503,
  headers: { 'Retry-After': String(seconds) },
})

describe('a kid that is not among the keys of the last fetch', () => {
  it('causes 503 with the seconds until the next fetch, and is accepted after it', async () => {
    const { state, url } = await startIssuer()
    const [before, after] = [await createKey('before'), await createKey('after')]
    state.jwks = { keys: [before.jwk] }
    const { latchkey, clock } = verifierOf(url)
    await latchkey.verify(await sign(before))
    state.jwks = { keys: [before.jwk, after.jwk] }
    const token = await sign(after)
    clock.advance(1000)
    expect(await failureOf(() => latchkey.verify(token))).toMatchObject(unasked(29))
    clock.advance(28_500)
    expect(await failureOf(() => latchkey.verify(token))).toMatchObject(unasked(1))
    clock.advance(500)
    expect(await latchkey.verify(token)).toMatchObject({ kid: 'after' })
    expect(state.fetches).toBe(2)
  })

  it('is refused for every further token once a later fetch did not return it', async () => {
    const { state, url } = await startIssuer()
    const key = await createKey('a')
    state.jwks = { keys: [key.jwk] }
    const { latchkey, clock } = verifierOf(url)
    const forged = await sign({ ...key, kid: 'forged' })
    await latchkey.verify(await sign(key))
    clock.advance(1000)
    expect(await outcomeOf(() => latchkey.verify(forged))).toBe('jwks_unavailable')
    clock.advance(29_000)
    for (let count = 0; count < 3; count += 1) {
      expect(await outcomeOf(() => latchkey.verify(forged))).toBe('kid_unknown')
    }
    expect(state.fetches).toBe(2)
  })

  it('is refused by the first fetch of a process', async () => {
    const { state, url } = await startIssuer()
    const key = await createKey('a')
    state.jwks = { keys: [key.jwk] }
    const { latchkey } = verifierOf(url)
    const forged = await sign({ ...key, kid: 'forged' })
    expect(await outcomeOf(() => latchkey.verify(forged))).toBe('kid_unknown')
  })

  it('is not refused by a fetch that had begun before the token arrived', async () => {
    const { state, url } = await startIssuer()
    const [before, after] = [await createKey('before'), await createKey('after')]
    const { latchkey, clock } = verifierOf(url)
    const [first, second] = [await sign(before), await sign(after)]
    let answer: ServerResponse | undefined
    state.answer = (_, response) => {
      answer = response
    }
    const pending = latchkey.verify(first)
    await expect.poll(() => answer).toBeDefined()
    const joined = outcomeOf(() => latchkey.verify(second))
    answer?.end(JSON.stringify({ keys: [before.jwk] }))
    expect(await pending).toMatchObject({ kid: 'before' })
    expect(await joined).toBe('jwks_unavailable')
    state.answer = undefined
    state.jwks = { keys: [before.jwk, after.jwk] }
    clock.advance(30_000)
    expect(await latchkey.verify(second)).toMatchObject({ kid: 'after' })
  })

  it('is found behind a flood of forged ones, which causes no fetch and does not affect known keys', async () => {
    const { state, url } = await startIssuer()
    const [before, after] = [await createKey('before'), await createKey('after')]
    state.jwks = { keys: [before.jwk] }
    const { latchkey, clock } = verifierOf(url)
    await latchkey.verify(await sign(before))
    state.jwks = { keys: [before.jwk, after.jwk] }
    const [header, ...rest] = (await sign({ ...after, kid: 'forged-0000' })).split('.')
    const flood = (round: number) =>
      Promise.all(
        Array.from({ length: 1500 }, (_, count) => {
          const text = Buffer.from(String(header), 'base64url').toString()
          const named = Buffer.from(text.replace('forged-0000', `forged-${round}-${count}`)).toString('base64url')
          return outcomeOf(() => latchkey.verify([named, ...rest].join('.')))
        }),
      )
    expect(new Set(await flood(1))).toEqual(new Set(['jwks_unavailable']))
    expect(await latchkey.verify(await sign(before))).toMatchObject({ kid: 'before' })
    expect(state.fetches).toBe(1)
    clock.advance(30_000)
    const [outcomes, auth] = await Promise.all([flood(2), latchkey.verify(await sign(after))])
    expect(outcomes.every((code) => code === 'jwks_unavailable' || code === 'kid_unknown')).toBe(true)
    expect(auth).toMatchObject({ kid: 'after' })
    expect(state.fetches).toBe(2)
  })

  it('is refused with the reason when the issuer publishes it as a key that cannot be used', async () => {
    const { state, url } = await startIssuer()
    const key = await createKey('a')
    state.jwks = { keys: [{ ...key.jwk, kid: 'enc', use: 'enc' }, key.jwk] }
    const { latchkey } = verifierOf(url)
    await latchkey.verify(await sign(key))
    const error = await failureOf(async () => latchkey.verify(await sign({ ...key, kid: 'enc' })))
    expect(error).toMatchObject({ code: 'kid_unknown', cause: expect.any(TypeError) })
  })
})

describe('a token without kid', () => {
  const header = { alg: 'ES256', typ: 'at+jwt' }

  it('is verified with the only key of its algorithm, with or without kid', async () => {
    const { state, url } = await startIssuer()
    const [key, other] = [await createKey('a'), await createKey('b', 'RS256')]
    const { kid: _, ...unnamed } = key.jwk
    for (const jwk of [unnamed, key.jwk]) {
      state.jwks = { keys: [other.jwk, jwk, jwk] }
      const { latchkey } = verifierOf(url)
      const token = await sign(key, header)
      expect(await latchkey.verify(token)).toMatchObject({ subject: 'alice' })
      expect(latchkey.verify(token)).toMatchObject({ subject: 'alice' })
    }
  })

  it('is refused when several keys have its algorithm, or none', async () => {
    const { state, url } = await startIssuer()
    const [one, other, rsa] = [await createKey('a'), await createKey('b'), await createKey('c', 'RS256')]
    const { kid: _, ...unnamed } = other.jwk
    for (const keys of [[one.jwk, other.jwk], [unnamed, one.jwk], [rsa.jwk], []]) {
      state.jwks = { keys }
      const { latchkey } = verifierOf(url)
      expect(await outcomeOf(async () => latchkey.verify(await sign(one, header)))).toBe('kid_unknown')
    }
  })

  it('is refused when its signature is invalid', async () => {
    const { state, url } = await startIssuer()
    const [key, stranger] = [await createKey('a'), await createKey('b')]
    state.jwks = { keys: [{ ...key.jwk, kid: undefined }] }
    const { latchkey } = verifierOf(url)
    expect(await outcomeOf(async () => latchkey.verify(await sign(stranger, header)))).toBe('signature_invalid')
  })

  it('causes 503 until the next fetch when the issuer may have another key by now', async () => {
    const { state, url } = await startIssuer()
    const [before, after, stranger] = [await createKey('a'), await createKey('b'), await createKey('c')]
    state.jwks = { keys: [{ ...before.jwk, kid: undefined }] }
    const { latchkey, clock } = verifierOf(url)
    await latchkey.verify(await sign(before, header))
    state.jwks = { keys: [{ ...after.jwk, kid: undefined }] }
    const [replaced, forged] = [await sign(after, header), await sign(stranger, header)]
    clock.advance(1000)
    for (const token of [replaced, forged]) {
      expect(await failureOf(() => latchkey.verify(token))).toMatchObject(unasked(29))
    }
    clock.advance(29_000)
    await expect.poll(() => outcomeOf(() => latchkey.verify(replaced))).toMatchObject({ subject: 'alice' })
    expect(await outcomeOf(() => latchkey.verify(forged))).toBe('signature_invalid')
    expect(state.fetches).toBe(2)
  })

  it('differs from a token with a kid that a key without one could have', async () => {
    const { state, url } = await startIssuer()
    const key = await createKey('a')
    state.jwks = { keys: [{ ...key.jwk, kid: undefined }] }
    const { latchkey } = verifierOf(url)
    expect(await outcomeOf(async () => latchkey.verify(await sign(key)))).toBe('kid_unknown')
  })
})

describe('an issuer that never responds', () => {
  it.each<[string, (response: ServerResponse) => unknown]>([
    ['at all', () => {}],
    ['to the end', (response) => response.writeHead(200).write('{"keys":[')],
  ])('%s delays no caller for longer than the timeout, however often garbage is collected', async (_, hang) => {
    const { state, url } = await startIssuer()
    const key = await createKey('a')
    const token = await sign(key)
    state.jwks = { keys: [key.jwk] }
    const served = verifierOf(url, { timeout: 2000 })
    await served.latchkey.verify(token)
    served.clock.advance(601_000)
    state.answer = (_request, response) => hang(response)
    const { latchkey } = verifierOf(url, { timeout: 300 })
    collectGarbage()
    const outcomes = await Promise.all([served.latchkey.verify(token), outcomeOf(() => latchkey.verify(token))])
    expect(outcomes).toMatchObject([{ subject: 'alice' }, 'jwks_unavailable'])
  })

  it('does not delay close, however often garbage is collected', async () => {
    const { state, url } = await startIssuer()
    state.answer = (_, response) => response.writeHead(200).write('{"keys":[')
    const latchkey = createLatchkey({ issuer, audience: 'test', keys: remoteJwks(url, { timeout: 60_000 }) })
    const token = await sign(await createKey('a'))
    collectGarbage()
    const pending = outcomeOf(() => latchkey.verify(token))
    await expect.poll(() => state.fetches).toBe(1)
    await latchkey.close()
    expect(await pending).toBe('jwks_unavailable')
  })
})

/**
 * Collects garbage repeatedly until the test ends: Node 20 loses the timeout that was passed to
 * `AbortSignal.any` (nodejs/node#57736).
 */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  const timer = setInterval(runInNewContext('gc'), 30)
  onTestFinished(() => clearInterval(timer))
}
