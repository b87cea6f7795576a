import { type StoreCall, storeCalls } from '../../channels.js'
import { LatchkeyError } from '../../errors.js'
import type { KeyPairRecord } from '../../keys/key-pair-store.js'
import {
  type ChangeFeed,
  type ChangeListener,
  type Decide,
  type HistoryPoint,
  KEYS_CHANGED,
  type RecentChanges,
  type Resealer,
  type Retention,
  type SealedSetting,
  type TenantRecord,
  type Verifier,
  type WatchOptions,
} from '../../secrets/ports.js'
import type { SessionRecord, StoredSession } from '../../sessions/session-store.js'
import { KeyedMutex } from '../keyed-mutex.js'
import { Listeners } from '../listeners.js'
import { logChange, logRequest, readChangesSince, readLowWaterMark } from './change-log.js'
import { retryContention } from './contention.js'
import { History, renewEpoch, type ServerMark } from './history.js'
import { changeKeyPairs, readKeyPairs } from './key-pair-rows.js'
import { libraryClient, schemaClient } from './library-client.js'
import { LogFeed } from './log-feed.js'
import type { MigrationSet } from './migration-set.js'
import { applyMigrations, areMigrated, checkMigrated, inSchemaOf } from './migrations.js'
import type { PoolUse } from './pool-use.js'
import { pruneChanges, pruneRows } from './prune-rows.js'
import {
  addSetting,
  changeSettings,
  countSeals,
  readMasterKeyIds,
  readSealCounts,
  readSetting,
  readSettings,
  resealRows,
} from './sealed-rows.js'
import { addSession, endSession, listSessions, pruneSessions, readSession, sessionAdvanced } from './session-rows.js'
import type { SqlClient } from './sql-client.js'
import type { SqlDatabase, WakeUps } from './sql-database.js'
import type { SqlDialect } from './sql-dialect.js'
import type { SqlStore } from './sql-store.js'
import { SqlTransaction } from './sql-transaction.js'
import { runStatements, type Statements, sumOf, type Written } from './statements.js'
import { changeTenant } from './tenant-changes.js'
import { countDue, selectDue, selectGranted, selectTenants, type TenantRow, tenantRecords } from './tenant-rows.js'
import { readVerifiers, registerVerifier, unregisterVerifier } from './verifier-rows.js'

/** The longest wait of a change for earlier changes of the same tenant in this process. */
const turnPatienceMs = 5000

/** The names of the database systems in the semantic conventions of OpenTelemetry. */
const systems = { postgres: 'postgresql', sqlite: 'sqlite', mysql: 'mysql' } as const

/** The store over a database that runs the common SQL. */
export class DatabaseStore<Name extends SqlDialect> implements SqlStore<Name> {
  readonly dialect: Name
  readonly #database: SqlDatabase<Name>
  readonly #client: SqlClient
  readonly #selectByTenant: string
  readonly #selectByKid: string
  readonly #listeners = new Listeners()
  readonly #feeds = new Map<ChangeFeed, { readonly log: LogFeed; readonly wakeUps: WakeUps | undefined }>()
  readonly #turns = new KeyedMutex(turnPatienceMs)
  #ready: Promise<History> | undefined
  #closing: Promise<void> | undefined

  constructor(database: SqlDatabase<Name>) {
    const { dialect } = database
    this.#database = database
    this.#client = libraryClient(database, dialect)
    this.dialect = dialect.name
    this.#selectByTenant = selectTenants(dialect.isAmong('$1'))
    this.#selectByKid = selectTenants(`in (select tenant_id from latchkey_secrets where kid ${dialect.isAmong('$1')})`)
  }

  query<Row extends object>(text: string, values?: readonly unknown[]): Promise<{ rows: Row[] }> {
    return this.#observed('query', async () => {
      this.#checkOpen()
      return this.#database.query<Row>(text, values)
    })
  }

  transaction<T>(work: (client: SqlClient) => Promise<T>): Promise<T> {
    return this.#observed('transaction', () => this.#transact(work))
  }

  async migrate(own?: MigrationSet): Promise<void> {
    this.#checkOpen()
    const { dialect } = this.#database
    if (own?.name === dialect.schema.name) {
      throw new TypeError(`Give the migration set a name other than "${dialect.schema.name}".`)
    }
    const library = inSchemaOf(dialect, dialect.schema)
    const sets = own === undefined ? [library] : [library, own]
    const mark = await this.#database.serverMark()
    // A role without the right to create tables can use those that their owner has created.
    const isMigrated = await areMigrated(schemaClient(this.#database, dialect), sets)
    await this.#database.exclusively((connection) =>
      SqlTransaction.run(connection, async (client) => {
        if (!isMigrated) await applyMigrations(connection, dialect, sets)
        // In the same transaction: the next one may be the caller's, which must not wait for this
        // one.
        await renewEpoch(schemaClient(client, dialect), dialect, { mark, always: false })
      }),
    )
  }

  async beginAfterRestore(): Promise<void> {
    const { mark } = await this.#checkReady()
    await this.#renewEpoch(mark, true)
  }

  poolUse(): PoolUse | undefined {
    return this.#database.poolUse?.()
  }

  readByKid(kids: readonly string[]): Promise<ReadonlyMap<string, TenantRecord>> {
    return this.#observed('read_by_kid', async () => {
      const records = await this.#readTenants(this.#selectByKid, kids)
      const wanted = new Set(kids)
      const found = new Map<string, TenantRecord>()
      for (const record of records.values()) {
        for (const { kid } of record.secrets) if (wanted.has(kid)) found.set(kid, record)
      }
      return found
    })
  }

  readTenants(tenants: readonly string[]): Promise<ReadonlyMap<string, TenantRecord>> {
    return this.#observed('read_tenants', () => this.#readTenants(this.#selectByTenant, tenants))
  }

  change(tenant: string, decide: Decide, client?: SqlClient): Promise<TenantRecord | undefined> {
    return this.#observed('change', () => this.#change(tenant, decide, client))
  }

  async watch(listener: ChangeListener, { verifierId, intervalMs, instant }: WatchOptions): Promise<ChangeFeed> {
    const { dialect } = this.#database
    const history = await this.#checkReady()
    const acknowledge = async (request: number) => {
      await this.#client.query(dialect.acknowledge, [verifierId, request])
    }
    const log = new LogFeed(listener, { history, dialect, intervalMs, instant, acknowledge })
    const wakeUps = this.#database.listen?.(log)
    const feed: ChangeFeed = {
      check: () => log.check(),
      close: async () => {
        this.#listeners.delete(listener)
        this.#feeds.delete(feed)
        wakeUps?.close()
        await log.close()
      },
    }
    this.#listeners.add(listener)
    this.#feeds.set(feed, { log, wakeUps })
    try {
      await log.start()
      this.#checkOpen()
      return feed
    } catch (error) {
      await feed.close()
      throw error
    }
  }

  async lowWaterMark(): Promise<HistoryPoint> {
    return readLowWaterMark(await this.#checkReady(), this.#database.dialect)
  }

  async changesSince(ageMs: number): Promise<RecentChanges> {
    return readChangesSince(await this.#checkReady(), this.#database.dialect, ageMs)
  }

  async readDue(before: number, after: string, limit: number): Promise<readonly string[]> {
    await this.#checkReady()
    const { rows } = await this.#client.query<{ tenant_id: string }>(selectDue, [before, after, limit])
    return rows.map(({ tenant_id }) => tenant_id)
  }

  async countDue(before: number): Promise<number> {
    await this.#checkReady()
    const { rows } = await this.#client.query<{ due: number | string }>(countDue, [before])
    return Number(rows[0]?.due)
  }

  async readGranted(after: string, limit: number): Promise<readonly string[]> {
    await this.#checkReady()
    const { rows } = await this.#client.query<{ tenant_id: string }>(selectGranted, [after, limit])
    return rows.map(({ tenant_id }) => tenant_id)
  }

  async renewLease(verifier: Verifier, forMs: number): Promise<void> {
    await registerVerifier(await this.#checkReady(), this.#database.dialect, verifier, forMs)
  }

  async releaseLease(verifierId: string): Promise<void> {
    await this.#checkReady()
    await unregisterVerifier(this.#client, verifierId)
  }

  async requestAcknowledgements(): Promise<number> {
    return logRequest(await this.#checkReady(), this.#database.dialect)
  }

  async verifiers(request = Number.MAX_SAFE_INTEGER): Promise<readonly Verifier[]> {
    return readVerifiers(await this.#checkReady(), this.#database.dialect, request)
  }

  async setting(name: string, initial: () => SealedSetting): Promise<SealedSetting> {
    await this.#checkReady()
    const known = await readSetting(this.#client, name)
    if (known !== undefined) return known
    await addSetting(this.#client, this.#database.dialect, initial())
    // Another process may have inserted the setting first: the stored one is used.
    const written = await readSetting(this.#client, name)
    if (written === undefined) throw new LatchkeyError('store_unavailable')
    return written
  }

  async readSettings(): Promise<readonly SealedSetting[]> {
    await this.#checkReady()
    return readSettings(this.#client)
  }

  changeSettings(
    decide: (current: readonly SealedSetting[]) => readonly SealedSetting[],
  ): Promise<readonly SealedSetting[]> {
    return this.#changeKeys(async (client) => {
      const { settings, hasChanged } = await changeSettings(client, this.#database.dialect, decide)
      return { result: settings, hasChanged }
    })
  }

  async countSeals(masterKeyId: string, count: number): Promise<void> {
    await this.#checkReady()
    await countSeals(this.#client, this.#database.dialect, { masterKeyId, count })
  }

  async sealCounts(): Promise<ReadonlyMap<string, number>> {
    await this.#checkReady()
    return readSealCounts(this.#client)
  }

  async masterKeyIds(): Promise<readonly string[]> {
    await this.#checkReady()
    return readMasterKeyIds(this.#client)
  }

  reseal(masterKeyId: string, limit: number, reseal: Resealer): Promise<number> {
    const { dialect } = this.#database
    return this.#write((client) => resealRows(client, dialect, { masterKeyId, limit, reseal }))
  }

  async prune(retention: Retention): Promise<void> {
    const { dialect } = this.#database
    // Apart from each other: changes may wait for the end of a transaction that prunes the log.
    await this.#write((client) => pruneChanges(client, dialect, retention))
    await this.#write((client) => pruneRows(client, dialect, retention))
  }

  async readKeyPairs(): Promise<readonly KeyPairRecord[]> {
    await this.#checkReady()
    return readKeyPairs(this.#client)
  }

  changeKeyPairs(
    decide: (current: readonly KeyPairRecord[]) => readonly KeyPairRecord[],
  ): Promise<readonly KeyPairRecord[]> {
    return this.#changeKeys(async (client) => {
      const { pairs, hasChanged } = await changeKeyPairs(client, this.#database.dialect, decide)
      return { result: pairs, hasChanged }
    })
  }

  async addSession(session: SessionRecord, client: SqlClient): Promise<boolean> {
    return this.#within(client, (open) => addSession(open, this.#database.dialect, session))
  }

  async readSession(id: string): Promise<StoredSession | undefined> {
    await this.#checkReady()
    return readSession(this.#client, id)
  }

  async advanceSession(before: SessionRecord, after: SessionRecord): Promise<boolean> {
    const { statements, values } = sessionAdvanced(this.#database.dialect, before, after)
    return sumOf(await this.#runTogether<Written>(statements, values)) > 0
  }

  async listSessions(subject: string, nowMs: number, client?: SqlClient): Promise<readonly StoredSession[]> {
    if (client !== undefined)
      return this.#within(client, (open) =>
        listSessions(open, { subject, nowMs, lock: this.#database.dialect.lockingRead }),
      )
    await this.#checkReady()
    return listSessions(this.#client, { subject, nowMs })
  }

  async endSession(subject: string, id: string, nowMs: number, client: SqlClient): Promise<boolean> {
    return this.#within(client, (open) => endSession(open, this.#database.dialect, { subject, id, nowMs }))
  }

  pruneSessions(before: number, limit: number): Promise<number> {
    const { dialect } = this.#database
    return this.#write((client) => pruneSessions(client, dialect, { before, limit }))
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#feeds.keys()].map((feed) => feed.close()))
    await this.#database.close()
  }

  /** Calls of the store's own methods on each other are not observed: each call of a user is one. */
  #observed<T>(operation: StoreCall['operation'], work: () => Promise<T>): Promise<T> {
    if (!storeCalls.isObserved) return work()
    const call: StoreCall = { source: this, system: systems[this.dialect], operation }
    return storeCalls.observe(call, work, ({ failure, durationMs }) => ({
      ...call,
      outcome: failure === undefined ? 'done' : 'failed',
      durationMs,
    }))
  }

  async #transact<T>(work: (client: SqlClient) => Promise<T>): Promise<T> {
    this.#checkOpen()
    const { result, changes } = await this.#database.exclusively((connection) => SqlTransaction.run(connection, work))
    this.#listeners.publish(changes)
    return result
  }

  async #change(tenant: string, decide: Decide, client: SqlClient | undefined): Promise<TenantRecord | undefined> {
    // A transaction that has begun may finish although the store is being closed.
    if (!(client instanceof SqlTransaction)) this.#checkOpen()
    const history = await this.#checkSchema()
    if (client === undefined) return history.retry(() => this.#changeAlone(tenant, decide))
    const { dialect } = this.#database
    const { record, change } = await this.#within(client, (open) =>
      changeTenant(open, dialect, { tenant, decide, history }),
    )
    if (change !== undefined && client instanceof SqlTransaction) client.changes.push(change)
    return record
  }

  /** Runs statements of the library in the caller's transaction. */
  async #within<T>(client: SqlClient, work: (open: SqlClient) => Promise<T>): Promise<T> {
    if (client instanceof DatabaseStore) throw new TypeError('Give the client of an open transaction, not a store.')
    await this.#checkSchema()
    const run = (open: SqlClient) => work(libraryClient(open, this.#database.dialect))
    return client instanceof SqlTransaction ? run(client) : this.#database.adopt(client, run)
  }

  async #readTenants(select: string, keys: readonly string[]): Promise<Map<string, TenantRecord>> {
    const history = await this.#checkReady()
    const { rows } = await history.read<TenantRow>(select, [this.#database.dialect.list(keys)])
    return tenantRecords(rows)
  }

  /**
   * Changes the tenant in a transaction of its own. The changes of one tenant wait for each other
   * here, so that a tenant whose row stays locked occupies one connection.
   */
  #changeAlone(tenant: string, decide: Decide): Promise<TenantRecord | undefined> {
    return this.#turns.run(tenant, () =>
      retryContention(() => this.#transact((own) => this.#change(tenant, decide, own))),
    )
  }

  /** Runs a transaction of the library. */
  async #write<T>(work: (client: SqlClient) => Promise<T>): Promise<T> {
    await this.#checkReady()
    return this.#transactAlone(work)
  }

  /** Runs statements of the library that have their effect in one transaction. */
  async #runTogether<Row extends object>(statements: Statements, values: readonly unknown[]): Promise<readonly Row[]> {
    if (typeof statements !== 'string') {
      return (await this.#write((client) => runStatements<Row>(client, statements, values))).rows
    }
    await this.#checkReady()
    return (await retryContention(() => this.#client.query<Row>(statements, values))).rows
  }

  /** Runs a transaction of the library, again after a deadlock. */
  #transactAlone<T>(work: (client: SqlClient) => Promise<T>): Promise<T> {
    const { dialect } = this.#database
    return retryContention(() => this.#transact((client) => work(libraryClient(client, dialect))))
  }

  /** Reports a change made by `work` on the change feed. */
  async #changeKeys<T>(work: (client: SqlClient) => Promise<{ result: T; hasChanged: boolean }>): Promise<T> {
    const { dialect } = this.#database
    const history = await this.#checkReady()
    const change = () =>
      this.#transact(async (transaction) => {
        const client = libraryClient(transaction, dialect)
        const { result, hasChanged } = await work(client)
        if (!hasChanged) return result
        const version = await logChange(client, dialect, { tenant: KEYS_CHANGED, history })
        if (transaction instanceof SqlTransaction) transaction.changes.push({ tenant: KEYS_CHANGED, version })
        return result
      })
    return history.retry(() => retryContention(change))
  }

  async #checkReady(): Promise<History> {
    this.#checkOpen()
    return this.#checkSchema()
  }

  async #checkSchema(): Promise<History> {
    this.#ready ??= this.#open()
    try {
      return await this.#ready
    } catch (error) {
      this.#ready = undefined
      throw error
    }
  }

  async #open(): Promise<History> {
    const { dialect } = this.#database
    await checkMigrated(this.#client, dialect.schema)
    const mark = await this.#database.serverMark()
    return new History({
      query: (text, values, check) => this.#database.queryPrepared(text, values, check),
      transact: (work) => this.#transactAlone(work),
      dialect,
      mark,
      renew: () => this.#renewEpoch(mark, false),
      onNewer: () => this.#historyChanged(),
    })
  }

  async #renewEpoch(mark: ServerMark, always: boolean): Promise<void> {
    const { dialect } = this.#database
    await this.#transact((client) => renewEpoch(libraryClient(client, dialect), dialect, { mark, always }))
  }

  /** Rows and changes that were read before belong to another history. */
  #historyChanged(): void {
    for (const { log, wakeUps } of this.#feeds.values()) {
      wakeUps?.reconnect()
      log.restart()
    }
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw new LatchkeyError('store_closed')
  }
}
