import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  type CryptoKey,
  exportJWK,
  type GenerateKeyPairResult,
  generateKeyPair,
  type JWK,
  type JWTHeaderParameters,
  SignJWT,
} from 'jose'
import { onTestFinished } from 'vitest'
import { type RemoteJwksOptions, remoteJwks } from '../../src/keys/remote-jwks.js'
import { createLatchkey } from '../../src/latchkey.js'
import type { Latchkey } from '../../src/latchkey-api.js'
import { createFakeClock, type FakeClock } from '../../src/testing/fake-clock.js'

export const issuer = 'https://issuer.test'

/** The responses of an issuer, and the number of requests. */
export interface IssuerState {
  jwks: unknown
  /** Responds in place of `jwks`. */
  answer: RequestListener | undefined
  fetches: number
}

/** Starts an issuer on loopback, which serves the state that the test sets. Ends with the test. */
export async function startIssuer(): Promise<{ readonly state: IssuerState; readonly url: string }> {
  const state: IssuerState = { jwks: { keys: [] }, answer: undefined, fetches: 0 }
  const server = createServer((request, response) => {
    state.fetches += 1
    if (state.answer !== undefined) state.answer(request, response)
    else response.setHeader('content-type', 'application/json').end(JSON.stringify(state.jwks))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  )
  return { state, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json` }
}

/** A key pair of an issuer, created by another library. */
export interface IssuerKey extends GenerateKeyPairResult {
  readonly jwk: JWK
  readonly kid: string
  readonly alg: string
}

export async function createKey(kid: string, alg = 'ES256'): Promise<IssuerKey> {
  const pair = await generateKeyPair(alg, { extractable: true })
  return { ...pair, kid, alg, jwk: { ...(await exportJWK(pair.publicKey)), kid, alg, use: 'sig' } }
}

/** Returns a token of `alice` with the key's own `kid`, or with another header. */
export function sign(
  { privateKey, kid, alg }: { privateKey: CryptoKey; kid: string; alg: string },
  header: JWTHeaderParameters = { alg, kid, typ: 'at+jwt' },
): Promise<string> {
  return new SignJWT({ jti: 'x' })
    .setProtectedHeader(header)
    .setIssuer(issuer)
    .setAudience('test')
    .setSubject('alice')
    .setIssuedAt()
    .setExpirationTime('1d')
    .sign(privateKey)
}

/** Returns a verifier of the issuer's tokens with its own clock. */
export function verifierOf(
  url: string,
  options: RemoteJwksOptions = {},
): { readonly clock: FakeClock; readonly latchkey: Latchkey } {
  const clock = createFakeClock(Date.now())
  const keys = remoteJwks(url, { clock, maxAge: 600, outageTolerance: 3600, cooldown: 30, ...options })
  return { clock, latchkey: createLatchkey({ issuer, audience: 'test', keys, clock, accessTokenTtl: 60 }) }
}

/** Returns the error that a call fails with, thrown or rejected. */
export async function failureOf(call: () => unknown): Promise<unknown> {
  try {
    await call()
  } catch (error) {
    return error
  }
  throw new Error('The call did not fail.')
}
