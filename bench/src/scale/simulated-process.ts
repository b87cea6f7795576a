import { setTimeout as sleep } from 'node:timers/promises'
import { createLatchkey, isLatchkeyError, type Latchkey, type TenantSecrets, tenantSecrets } from 'latchkey'
import { postgresStore } from 'latchkey/postgres'
import type { SqlStore } from 'latchkey/sql'
import { audience, issuer } from '../population.js'
import type { ListenerSetup } from './feed-messages.js'

/** Pause between two verifications of a token whose revocation has been delivered. */
const verifyAgainMs = 1
const reopenMs = 250

/** The parts of a listening process that concern the database: key source, store, connections. */
export class SimulatedProcess {
  readonly keys: TenantSecrets
  readonly #store: SqlStore
  readonly #latchkey: Latchkey
  readonly #maxStalenessMs: number
  /** The instant of the last proof, by `performance.now()`. */
  #provedAtMs: number | undefined
  #beganAtMs = 0
  #agesMs: number[] = []
  #expected: Expected | undefined

  constructor({ databaseUrl, masterKeys, maxStalenessMs }: ListenerSetup) {
    this.#maxStalenessMs = maxStalenessMs
    this.#store = postgresStore({ connectionString: databaseUrl, max: 1 })
    this.keys = tenantSecrets({ store: this.#store, masterKeys, maxStaleness: maxStalenessMs, maxTenants: 1000 })
    this.#latchkey = createLatchkey({ issuer, audience, keys: this.keys })
  }

  /** Opens the store; tries again until the time, by `performance.now()`, while it cannot. */
  async ready(giveUpAtMs: number): Promise<void> {
    for (;;) {
      try {
        return await this.keys.ready()
      } catch (error) {
        if (!isLatchkeyError(error) || error.code !== 'store_unavailable') throw error
        if (performance.now() > giveUpAtMs) throw error
      }
      await sleep(reopenMs)
    }
  }

  async hold(tokens: readonly string[]): Promise<void> {
    for (const token of tokens) await this.#latchkey.verify(token)
  }

  /** Records a proof that is this old. */
  proved(ageMs: number): void {
    const now = performance.now()
    if (this.#provedAtMs !== undefined) this.#agesMs.push(now - this.#provedAtMs)
    this.#provedAtMs = now - ageMs
  }

  beginPeriod(): void {
    this.#beganAtMs = performance.now()
    this.#agesMs = []
  }

  /** Returns the age at each proof of the period, and the one at its end if a proof is late. */
  takeAges(): readonly number[] {
    const ageMs = performance.now() - (this.#provedAtMs ?? this.#beganAtMs)
    const isLate = this.#agesMs.length === 0 || ageMs > this.#maxStalenessMs
    const ages = isLate ? [...this.#agesMs, ageMs] : this.#agesMs
    this.#agesMs = []
    return ages
  }

  /** Records the delivery of the next change, and the first refusal of the token after it. */
  expect(token: string | undefined): void {
    this.#expected = new Expected(this.#latchkey, token)
  }

  changed(): void {
    this.#expected?.delivered()
  }

  /** Resolves once the change has been delivered. */
  get delivery(): Promise<void> | undefined {
    return this.#expected?.delivery
  }

  /** Resolves once the token has been refused. */
  get refusal(): Promise<void> | undefined {
    return this.#expected?.refusal
  }

  get deliveredAt(): bigint | undefined {
    return this.#expected?.deliveredAt
  }

  get refusedAt(): bigint | undefined {
    return this.#expected?.refusedAt
  }
}

/** A change whose delivery is recorded. */
class Expected {
  readonly delivery: Promise<void>
  readonly refusal: Promise<void>
  deliveredAt: bigint | undefined
  refusedAt: bigint | undefined
  readonly #latchkey: Latchkey
  #resolve: () => void = () => {}

  constructor(latchkey: Latchkey, token: string | undefined) {
    this.#latchkey = latchkey
    this.delivery = new Promise((resolve) => {
      this.#resolve = resolve
    })
    this.refusal = token === undefined ? Promise.resolve() : this.delivery.then(() => this.#verify(token))
  }

  /** Called just before the key source applies the change. */
  delivered(): void {
    if (this.deliveredAt !== undefined) return
    this.deliveredAt = process.hrtime.bigint()
    this.#resolve()
  }

  async #verify(token: string): Promise<void> {
    for (;;) {
      try {
        await this.#latchkey.verify(token)
      } catch (error) {
        this.refusedAt = process.hrtime.bigint()
        if (isLatchkeyError(error) && error.code === 'token_revoked') return
        throw error
      }
      await sleep(verifyAgainMs)
    }
  }
}
