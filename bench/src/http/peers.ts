import type { Population } from '../population.js'
import type { PeerParts } from './applications/application.js'
import type { TokensByKind } from './messages.js'
import { createSessionCheck } from './sessions.js'
import { badTokens, peerKeys, retyped, versionedToken } from './tokens.js'
import { createVersionCheck } from './versions.js'

/** The keys, checks and tokens of the guards of other libraries. */
export interface Peers extends Pick<PeerParts, 'keys' | 'versions' | 'sessions'> {
  readonly tokens: Omit<TokensByKind, 'tenant'>
  readonly bad: Omit<TokensByKind, 'tenant'>
}

/** Creates them for the tenants of a population, whose tokens are given as texts. */
export async function createPeers(population: Population, own: readonly string[], databaseUrl: string): Promise<Peers> {
  const { subjects } = population
  const keys = peerKeys(population)
  const versions = await createVersionCheck(databaseUrl, subjects, keys.shared)
  const sessions = await createSessionCheck(databaseUrl, subjects)
  const versioned = subjects.map((subject) => versionedToken(subject, keys.shared))
  const jwt = own.map((token) => retyped(token, keys))
  const [first = '', firstJwt = '', firstVersioned = ''] = [own[0], jwt[0], versioned[0]]
  return {
    keys,
    versions,
    sessions,
    tokens: { jwt, versioned, session: sessions.cookies },
    bad: {
      jwt: badTokens(firstJwt, keys.secretOf(kidOf(first)).keyObject),
      versioned: badTokens(firstVersioned, keys.shared),
      session: sessions.bad,
    },
  }
}

/** Returns the key ID in the header of a token. */
export function kidOf(token: string): unknown {
  return JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()).kid
}
