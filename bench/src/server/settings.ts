/** The most connections of each server to PostgreSQL: the default of `pg` and of Latchkey. */
export const poolSize = 10

/** The password of every user. */
export const password = 'correct horse battery staple'

/** Argon2id at the cost of Latchkey's `usualCost`. */
export const argonCost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }

/** Lifetime of an access token in seconds: longer than a run, whose visitors sign in only once. */
export const accessTokenTtlSec = 7200

/** The names of the environment variables of the peers. */
export interface PeerEnvironment {
  readonly PORT: string
  readonly DATABASE_URL: string
  readonly SECRET: string
  /** `stubbed` replaces the password hash. */
  readonly HASH: Hash
}

/** Whether a server hashes passwords as it ships, or by `stubbedHash`. */
export type Hash = 'real' | 'stubbed'

/** Returns the environment of this process as that of a peer. */
export function peerEnvironment(): PeerEnvironment {
  const { PORT = '', DATABASE_URL = '', SECRET = '', HASH } = process.env
  return { PORT, DATABASE_URL, SECRET, HASH: HASH === 'stubbed' ? 'stubbed' : 'real' }
}
