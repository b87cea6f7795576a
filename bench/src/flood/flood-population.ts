import { randomBytes, randomUUID } from 'node:crypto'
import { createLatchkey, Keyring, type Latchkey, systemClock, tenantSecrets } from 'latchkey'
import { memoryStore } from 'latchkey/memory'
import { countReads } from '../counted-store.js'
import { audience, issuer, tokenType } from '../population.js'

/** The tokens of a flood, as the bytes that a socket would deliver. */
export interface FloodPopulation {
  readonly latchkey: Latchkey
  /** A verifier of the same keys that has verified nothing yet. */
  readonly freshLatchkey: () => Latchkey
  readonly storeReads: () => number
  /** Tokens that were never verified, more than the cache of verified tokens holds. */
  readonly unseen: readonly Buffer[]
  /** Tokens that were verified before and are in the cache of verified tokens. */
  readonly seen: readonly Buffer[]
  /** Tokens that must be refused, by their defect. */
  readonly forgeries: ReadonlyMap<string, readonly Buffer[]>
}

const unseenPerTenant = 5
const maxTokenBytes = 8192
const longAgoMs = 7_200_000

/** Creates the tenants, and tokens with every kind of defect for each of them. */
export async function createFloodPopulation(tenants: number): Promise<FloodPopulation> {
  const { store, reads } = countReads(memoryStore())
  const keys = tenantSecrets({ store, masterKeys: Keyring.generate('bench') })
  const options = { issuer, audience, keys, tokenCache: { maxEntries: 2 * tenants }, maxTokenBytes }
  const freshLatchkey = () => createLatchkey(options)
  const latchkey = freshLatchkey()
  const before = createLatchkey({ ...options, clock: { ...systemClock, now: () => Date.now() - longAgoMs } })
  const subjects = Array.from({ length: tenants }, () => randomUUID())
  const seen = await issueAll(latchkey, subjects)
  for (const token of seen) await latchkey.verify(String(token))
  // As many expired tokens as good ones: in a round with one token per tenant, no tenant's data
  // would be in the processor's cache.
  const severalEach = Array.from({ length: unseenPerTenant }, () => subjects).flat()
  const expired = await issueAll(before, severalEach)
  const unseen = await issueAll(latchkey, severalEach)
  const forgeries = new Map([
    ['garbage', seen.map((token) => randomText(token.length))],
    [
      'three parts of garbage',
      seen.map(() => Buffer.from([70, 340, 43].map((length) => randomText(length)).join('.'))),
    ],
    ['made-up kid', unseen.map(withMadeUpKid)],
    ['wrong signature', unseen.map((token) => Buffer.concat([token.subarray(0, -43), randomText(43)]))],
    ['expired', expired],
    ['too long', seen.map((token) => Buffer.concat([token, Buffer.alloc(maxTokenBytes, 'A')]))],
  ])
  return { latchkey, freshLatchkey, storeReads: reads, unseen, seen, forgeries }
}

async function issueAll(latchkey: Latchkey, subjects: readonly string[]): Promise<Buffer[]> {
  const tokens: Buffer[] = []
  for (const subject of subjects) {
    const claims = { role: 'editor' }
    const { token } = await latchkey.issue({ subject, claims, expiresIn: 3600 })
    tokens.push(Buffer.from(token, 'latin1'))
  }
  return tokens
}

function withMadeUpKid(token: Buffer): Buffer {
  const kid = randomBytes(24).toString('base64url')
  const header = Buffer.from(JSON.stringify({ alg: 'HS256', typ: tokenType, kid })).toString('base64url')
  return Buffer.from(header + token.subarray(token.indexOf('.')).toString('latin1'), 'latin1')
}

/**
 * Returns random base64url text. The last character of a signature carries fewer than six bits, so
 * it is a fixed one to stay canonical.
 */
function randomText(length: number): Buffer {
  return Buffer.from(
    `${randomBytes(length)
      .toString('base64url')
      .slice(0, length - 1)}A`,
  )
}
