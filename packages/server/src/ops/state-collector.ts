import type { Clock, TenantSecrets } from 'latchkey'
import type { SqlStore } from 'latchkey/sql'
import { readLastBackup } from './last-backup.js'
import { estimateSecretAges, type SecretAges } from './secret-ages.js'

/** State of the database that the metrics show. */
export interface CollectedState {
  /** Entries of the audit log outside its chain, up to `maxCounted`. */
  readonly unsealedEntries: number
  /** Entries of the outbox, up to `maxCounted`. */
  readonly mailWaiting: number
  /** When the last recorded backup was completed; `undefined` if none was. */
  readonly lastBackupMs: number | undefined
  /** Values that each master key has encrypted. */
  readonly encryptions: ReadonlyMap<string, number>
  readonly secretAges: readonly SecretAges[]
}

export interface StateSources {
  readonly store: SqlStore
  readonly keys: Pick<TenantSecrets, 'encryptions'>
  readonly clock: Clock
}

/** Rows are counted up to this number, so that a table with millions of rows costs no more. */
export const maxCounted = 10_000

/** Ages of secrets change slowly, and their sample is the largest read here. */
const secretAgesIntervalMs = 600_000

/**
 * Reads state of the database for the metrics, in the background. A scrape uses the last result and
 * never waits for the database. `ageSec` is the age of the result.
 */
export class StateCollector {
  readonly #sources: StateSources
  #state: CollectedState | undefined
  #collectedAtMs = Number.NEGATIVE_INFINITY
  #secretAges: readonly SecretAges[] = []
  #secretAgesAtMs = Number.NEGATIVE_INFINITY
  #collecting: Promise<void> | undefined

  constructor(sources: StateSources) {
    this.#sources = sources
  }

  /** The last result; `undefined` before the first one. */
  get state(): CollectedState | undefined {
    return this.#state
  }

  /** Seconds since the last successful collection began; `Infinity` before the first one. */
  get ageSec(): number {
    return (this.#sources.clock.monotonic() - this.#collectedAtMs) / 1000
  }

  /**
   * Reads everything again. Concurrent calls share one collection. Rejects if the database fails.
   */
  collect(): Promise<void> {
    this.#collecting ??= this.#collect().finally(() => {
      this.#collecting = undefined
    })
    return this.#collecting
  }

  async #collect(): Promise<void> {
    const { store, keys, clock } = this.#sources
    const startedAtMs = clock.monotonic()
    // One after the other, so that only one connection of the pool is used.
    this.#state = {
      unsealedEntries: await this.#count('server_audit where seq is null'),
      mailWaiting: await this.#count('server_outbox'),
      lastBackupMs: await readLastBackup(store),
      encryptions: await keys.encryptions(),
      secretAges: await this.#readSecretAges(startedAtMs),
    }
    this.#collectedAtMs = startedAtMs
  }

  async #count(rows: string): Promise<number> {
    const { rows: counts } = await this.#sources.store.query<{ count: number | string }>(
      `select count(*) as count from (select 1 from ${rows} limit ${maxCounted}) as counted`,
    )
    return Number(counts[0]?.count ?? 0)
  }

  async #readSecretAges(nowMs: number): Promise<readonly SecretAges[]> {
    const { store, clock } = this.#sources
    if (nowMs - this.#secretAgesAtMs >= secretAgesIntervalMs) {
      this.#secretAges = await estimateSecretAges(store, clock.now())
      this.#secretAgesAtMs = nowMs
    }
    return this.#secretAges
  }
}
