import { webcrypto } from 'node:crypto'
import { createDecoder, createSigner, createVerifier, type VerifierOptions } from 'fast-jwt'
import * as jose from 'jose'
import jsonwebtoken from 'jsonwebtoken'
import { audience, issuer, type Population, type TenantSecret, tokenType } from '../population.js'

type Verify = (token: string) => unknown
type Issue = (subject: string) => unknown

/** A library, used as its documentation says, with a key per user. */
export interface Contender<Run> {
  readonly name: string
  /** Returns a new instance, with an empty cache of verified tokens. */
  readonly create: () => Run
  /** Whether the library caches verified tokens. */
  readonly remembers: boolean
  /** Whether a revoked key is refused at once. */
  readonly revocable: boolean
}

const algorithm = 'HS256'
const tolerance = 5
const plain = { remembers: false, revocable: true }

/** Returns ways to verify, each of which checks issuer, audience, expiry, algorithm and type. */
export async function verifiers(population: Population): Promise<readonly Contender<Verify>[]> {
  const cryptoKeys = await importKeys(population.secrets)
  const secretOf = secretsByKid(population)
  return [
    {
      name: 'Latchkey',
      create: () => {
        const latchkey = population.freshLatchkey()
        return (token) => latchkey.verify(token)
      },
      remembers: true,
      revocable: true,
    },
    ...fastJwtVerifiers(population),
    {
      name: 'jose, imported keys',
      create: () => (token) => verifyWithJose(token, (kid) => cryptoKeys.get(String(kid)) ?? secretOf(kid).bytes),
      ...plain,
    },
    {
      name: 'jose, raw secrets',
      create: () => (token) => verifyWithJose(token, (kid) => secretOf(kid).bytes),
      ...plain,
    },
    {
      name: 'jsonwebtoken, KeyObject',
      create: () => (token) => verifyWithJsonwebtoken(token, (kid) => secretOf(kid).keyObject),
      ...plain,
    },
    {
      name: 'jsonwebtoken, raw secrets',
      create: () => (token) => verifyWithJsonwebtoken(token, (kid) => secretOf(kid).bytes),
      ...plain,
    },
  ]
}

function fastJwtVerifiers(population: Population): readonly Contender<Verify>[] {
  const secretOf = secretsByKid(population)
  const options: Partial<VerifierOptions> = {
    algorithms: [algorithm],
    allowedIss: issuer,
    allowedAud: audience,
    checkTyp: tokenType,
    clockTolerance: tolerance * 1000,
    requiredClaims: ['sub', 'exp', 'iat', 'jti'],
  }
  const key = async ({ header }: { header: { kid?: string } }) => secretOf(header.kid).bytes
  const own = new Map(
    [...population.secrets].map(([kid, { bytes }]) => [kid, createVerifier({ ...options, key: bytes })]),
  )
  const decode = createDecoder({ complete: true })
  return [
    { name: 'fast-jwt, key function', create: () => createVerifier({ ...options, key }), ...plain },
    {
      name: 'fast-jwt, a verifier a user',
      create: () => (token) => {
        const verify = own.get(decode(token).header.kid)
        if (verify === undefined) throw new Error('unknown kid')
        return verify(token)
      },
      ...plain,
    },
    {
      name: 'fast-jwt, key function, cache',
      create: () => createVerifier({ ...options, key, cache: population.cachedTokens }),
      remembers: true,
      revocable: false,
    },
  ]
}

/** Returns a look-up of secrets by kid, which throws for an unknown one. */
function secretsByKid({ secrets }: Population): (kid: unknown) => TenantSecret {
  return (kid) => {
    const secret = typeof kid === 'string' ? secrets.get(kid) : undefined
    if (secret === undefined) throw new Error('unknown kid')
    return secret
  }
}

/** Returns ways to issue the same claims. The peers get each key ready; Latchkey looks it up. */
export async function issuers(population: Population): Promise<readonly Contender<Issue>[]> {
  const { latchkey, subjects, secrets, tokens, claims } = population
  const kids = new Map(subjects.map((subject, index) => [subject, kidOf(tokens[index])] as const))
  const secretFor = (subject: string): [string, TenantSecret] => {
    const kid = String(kids.get(subject))
    const secret = secrets.get(kid)
    if (secret === undefined) throw new Error('unknown subject')
    return [kid, secret]
  }
  const signers = new Map(
    subjects.map((subject) => {
      const [kid, secret] = secretFor(subject)
      const signer = createSigner({
        key: secret.bytes,
        algorithm,
        kid,
        header: { alg: algorithm, typ: tokenType },
        iss: issuer,
        aud: audience,
        sub: subject,
        expiresIn: 900_000,
      })
      return [subject, signer] as const
    }),
  )
  return [
    {
      name: 'Latchkey',
      create: () => (subject) => latchkey.issue({ subject, sessionId: 'a-session', claims: claims(subject) }),
      ...plain,
    },
    {
      name: 'fast-jwt, a signer a user',
      create: () => (subject) =>
        signers.get(subject)?.({ jti: webcrypto.randomUUID(), sid: 'a-session', ...claims(subject) }),
      ...plain,
    },
    {
      name: 'jose',
      create: () => (subject) => {
        const [kid, { bytes }] = secretFor(subject)
        return new jose.SignJWT({ sid: 'a-session', ...claims(subject) })
          .setProtectedHeader({ alg: algorithm, typ: tokenType, kid })
          .setIssuer(issuer)
          .setAudience(audience)
          .setSubject(subject)
          .setIssuedAt()
          .setExpirationTime('15m')
          .setJti(webcrypto.randomUUID())
          .sign(bytes)
      },
      ...plain,
    },
    {
      name: 'jsonwebtoken, KeyObject',
      create: () => (subject) => {
        const [kid, { keyObject }] = secretFor(subject)
        return jsonwebtoken.sign({ sid: 'a-session', ...claims(subject) }, keyObject, {
          algorithm,
          keyid: kid,
          header: { alg: algorithm, typ: tokenType },
          issuer,
          audience,
          subject,
          expiresIn: 900,
          jwtid: webcrypto.randomUUID(),
        })
      },
      ...plain,
    },
  ]
}

async function verifyWithJose(
  token: string,
  keyOf: (kid: unknown) => Uint8Array | jose.CryptoKey,
): Promise<jose.JWTPayload> {
  const { payload } = await jose.jwtVerify(token, ({ kid }) => keyOf(kid), {
    algorithms: [algorithm],
    issuer,
    audience,
    typ: tokenType,
    clockTolerance: tolerance,
    requiredClaims: ['sub', 'exp', 'iat', 'jti'],
  })
  return payload
}

function verifyWithJsonwebtoken(token: string, keyOf: (kid: unknown) => jsonwebtoken.Secret): unknown {
  const header = jsonwebtoken.decode(token, { complete: true })?.header
  if (header?.typ !== tokenType) throw new Error('unexpected type')
  return jsonwebtoken.verify(token, keyOf(header.kid), {
    algorithms: [algorithm],
    issuer,
    audience,
    clockTolerance: tolerance,
  })
}

async function importKeys(secrets: ReadonlyMap<string, TenantSecret>): Promise<ReadonlyMap<string, jose.CryptoKey>> {
  const keys = new Map<string, jose.CryptoKey>()
  for (const [kid, { bytes }] of secrets) {
    const usages: jose.CryptoKey['usages'] = ['verify']
    keys.set(kid, await webcrypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, usages))
  }
  return keys
}

function kidOf(token: Buffer | undefined): string {
  const [header = ''] = String(token).split('.')
  return JSON.parse(Buffer.from(header, 'base64url').toString()).kid
}
