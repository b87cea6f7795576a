import type { Latchkey } from 'latchkey'
import { emptyRoute, latchkeyRoute, type Route, sessionRoute, type TokenKind, versionRoute } from '../messages.js'
import type { SessionCheck } from '../sessions.js'
import type { PeerKeys } from '../tokens.js'
import type { VersionCheck } from '../versions.js'

/** The parts that all applications share. */
export interface Parts {
  readonly latchkey: Latchkey
  /** Returns another subject each time, in random order: the answer of routes without a guard. */
  readonly nextSubject: () => string
}

/** The parts of applications that have the guards of other libraries as well. */
export interface PeerParts extends Parts {
  readonly keys: PeerKeys
  readonly versions: VersionCheck
  readonly sessions: SessionCheck
}

/** The path of the route of each application. */
export const path = '/me'

const ownKinds = [
  { name: 'open', takes: 'none' },
  { name: emptyRoute, takes: 'none' },
  { name: latchkeyRoute, takes: 'tenant' },
] as const

/** Returns the routes at these ports: open, behind a guard that does nothing, behind Latchkey's. */
export function routesAt(ports: readonly number[], target: string = path): readonly Route[] {
  return ownKinds.map((kind, at) => ({ url: `http://127.0.0.1:${ports[at]}${target}`, ...kind }))
}

/** Returns the routes at these ports: the same three, and those behind the guards of others. */
export function routesBesidePeers(
  ports: readonly number[],
  peer: string,
  takes: TokenKind = 'tenant',
): readonly Route[] {
  const kinds = [
    ...ownKinds,
    { name: peer, takes },
    { name: versionRoute, takes: 'versioned' },
    { name: sessionRoute, takes: 'session' },
  ] as const
  return kinds.map((kind, at) => ({ url: `http://127.0.0.1:${ports[at]}${path}`, ...kind }))
}

export function bearerOf(header: string | undefined): string {
  return header?.startsWith('Bearer ') === true ? header.slice(7) : ''
}

export function portOf(address: unknown): number {
  return (address as { port: number }).port
}
