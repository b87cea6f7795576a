import { createLatchkey, type IssueRequest, type Latchkey } from '../latchkey.js'
import { Keyring } from '../sealing/keyring.js'
import { memoryStore } from '../stores/memory/index.js'
import { tenantSecrets } from '../tenant-secrets/tenant-secrets.js'
import type { TenantSecrets } from '../tenant-secrets/tenant-secrets-api.js'
import { createFakeClock, type FakeClock } from './fake-clock.js'

/** Everything an application's own tests need to sign somebody in, without a database. */
export interface TestLatchkey {
  readonly latchkey: Latchkey
  readonly keys: TenantSecrets
  readonly clock: FakeClock
  /** A token that holds, for this subject. */
  tokenFor(subject: string, request?: Omit<IssueRequest, 'subject'>): Promise<string>
}

/** A latchkey over tenant secrets in memory, with a clock that the test moves. Issuer `https://issuer.test`, audience `test`. */
export function createTestLatchkey(): TestLatchkey {
  const clock = createFakeClock()
  const keys = tenantSecrets({ store: memoryStore(), masterKeys: Keyring.generate('test'), clock })
  const latchkey = createLatchkey({ issuer: 'https://issuer.test', audience: 'test', keys, clock })
  return {
    latchkey,
    keys,
    clock,
    tokenFor: async (subject, request) => (await latchkey.issue({ subject, ...request })).token,
  }
}
