import type { UntypedClaims } from '../claims/check-claims.js'
import type { ClaimsSchema } from '../claims/claims-schema.js'
import { createLatchkey } from '../latchkey.js'
import type { IssuableClaims, IssueRequest, Latchkey, LatchkeyOptions } from '../latchkey-api.js'
import { Keyring } from '../sealing/keyring.js'
import { type MemoryStore, type MemoryTransaction, memoryStore } from '../stores/memory/index.js'
import { tenantSecrets } from '../tenant-secrets/tenant-secrets.js'
import type { TenantSecrets } from '../tenant-secrets/tenant-secrets-api.js'
import { createFakeClock, type FakeClock } from './fake-clock.js'

/** A Latchkey in memory for the tests of an application, with its keys and its clock. */
export interface TestLatchkey<C extends object = UntypedClaims, Input extends object = IssuableClaims<C>> {
  readonly latchkey: Latchkey<C, Input>
  readonly keys: TenantSecrets<MemoryTransaction>
  /** The store of `keys`, for `createSessions`. */
  readonly store: MemoryStore
  readonly clock: FakeClock
  /** Returns a valid token for this subject. */
  tokenFor(subject: string, request?: Omit<IssueRequest<Input>, 'subject'>): Promise<string>
}

/**
 * Returns a Latchkey over tenant secrets in memory, with a clock that the test moves. Its issuer is
 * `https://issuer.test`, its audience `test`. With the option `claims` of `createLatchkey`, it has
 * the schema of the application.
 *
 * @example
 * ```ts
 * import { createTestLatchkey } from 'latchkey/testing'
 *
 * const { latchkey, clock, tokenFor } = createTestLatchkey()
 * const token = await tokenFor('alice')
 * await latchkey.verify(token) // the identity of alice
 * clock.advance(24 * 60 * 60 * 1000)
 * await latchkey.verify(token) // throws token_expired
 * ```
 */
export function createTestLatchkey<C extends object, Input extends object>(options: {
  readonly claims: ClaimsSchema<Input, C>
}): TestLatchkey<C, Input>
/** Without `claims`, the application's claims are not checked. */
export function createTestLatchkey(options?: Pick<LatchkeyOptions, 'claims'>): TestLatchkey
export function createTestLatchkey(options: Pick<LatchkeyOptions, 'claims'> = {}): TestLatchkey {
  const clock = createFakeClock()
  const store = memoryStore()
  const keys = tenantSecrets({ store, masterKeys: Keyring.generate('test'), clock })
  const latchkey = createLatchkey({ issuer: 'https://issuer.test', audience: 'test', keys, clock, ...options })
  return {
    latchkey,
    keys,
    store,
    clock,
    tokenFor: async (subject, request) => (await latchkey.issue({ subject, ...request })).token,
  }
}
