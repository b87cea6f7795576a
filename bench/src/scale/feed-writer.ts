import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { createLatchkey, type Latchkey, type TenantSecrets, tenantSecrets } from 'latchkey'
import { postgresStore } from 'latchkey/postgres'
import type { SqlStore } from 'latchkey/sql'
import { audience, issuer } from '../population.js'
import type { ListenerSetup } from './feed-messages.js'

const writers = 8

/** A tenant and a token of it. */
export interface Holder {
  readonly tenant: string
  readonly token: string
}

/** The process that makes the changes: one more process with a key source. */
export class FeedWriter {
  readonly #store: SqlStore
  readonly #keys: TenantSecrets
  readonly #latchkey: Latchkey
  #holders: readonly Holder[] = []

  constructor({ databaseUrl, masterKeys, maxStalenessMs }: ListenerSetup) {
    this.#store = postgresStore({ connectionString: databaseUrl, max: writers + 2 })
    this.#keys = tenantSecrets({ store: this.#store, masterKeys, maxStaleness: maxStalenessMs })
    this.#latchkey = createLatchkey({ issuer, audience, keys: this.#keys })
  }

  /** Creates the tables, and the tenants that `change` changes. */
  async open(): Promise<void> {
    await this.#store.migrate()
    await this.#keys.ready()
    this.#holders = await this.issue(writers)
  }

  /** Issues a token of each of so many new tenants. */
  async issue(count: number): Promise<readonly Holder[]> {
    const holders: Holder[] = []
    for (let number = 0; number < count; number += 1) {
      const tenant = randomUUID()
      const { token } = await this.#latchkey.issue({ subject: tenant })
      holders.push({ tenant, token })
    }
    return holders
  }

  revoke({ tenant }: Holder): Promise<void> {
    return this.#keys.revoke(tenant)
  }

  async waitForPropagation(): Promise<void> {
    await this.#keys.waitForPropagation()
  }

  /** Revokes tenants at this rate, or as fast as possible. Resolves to the changes per second. */
  async change(perSecond: number, durationMs: number): Promise<number> {
    const startedAt = performance.now()
    let begun = 0
    let done = 0
    const write = async (holder: Holder) => {
      for (;;) {
        const dueAt = startedAt + (1000 * begun) / perSecond
        if (dueAt > startedAt + durationMs || performance.now() > startedAt + durationMs) return
        begun += 1
        const delayMs = dueAt - performance.now()
        if (delayMs > 0) await sleep(delayMs)
        await this.revoke(holder)
        done += 1
      }
    }
    await Promise.all(this.#holders.map(write))
    return (1000 * done) / Math.max(durationMs, performance.now() - startedAt)
  }

  async close(): Promise<void> {
    await this.#latchkey.close()
    await this.#store.close()
  }
}
