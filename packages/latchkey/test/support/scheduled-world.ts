import type fc from 'fast-check'
import { instantOf, longAgo } from '../../src/clock.js'
import type { IssuedToken, Latchkey } from '../../src/latchkey-api.js'
import type {
  Change,
  ChangeListener,
  SharedCache,
  SharedCacheEntry,
  TenantStore,
  WatchOptions,
} from '../../src/secrets/ports.js'
import { memoryStore } from '../../src/stores/memory/index.js'
import type { TenantSecrets } from '../../src/tenant-secrets/tenant-secrets-api.js'
import { createFakeClock } from '../../src/testing/fake-clock.js'
import { outcomeOf, setUp } from './setup.js'

export const maxStaleness = 2000

/**
 * A token, and the time of its end if it was ended. Times are readings of the fake monotonic clock.
 */
interface KnownToken {
  readonly token: string
  /** The time at which a change that ends it was committed, and the version of that change. */
  end?: { readonly at: number; readonly version: number }
}

/**
 * One process: the real library over a store, a feed and a cache, each of whose messages arrives
 * when the scheduler decides.
 */
export class ScheduledProcess {
  readonly latchkey: Latchkey
  readonly keys: TenantSecrets
  readonly #world: ScheduledWorld
  /** The newest version that the feed or the process's own change has delivered. */
  #delivered = 0
  /** The version of the last change of this process. */
  #acknowledged = 0
  #isConnected = true
  readonly #refused = new Set<KnownToken>()
  #listener: ChangeListener | undefined
  #options: WatchOptions | undefined
  /** Messages arrive in order, on one connection after the other. */
  #lastMessage = Promise.resolve()
  #connection = 0

  constructor(world: ScheduledWorld) {
    this.#world = world
    const { clock, cache } = world
    const options = { maxStaleness, cache, maxTenants: 1, gracePeriod: 0 }
    const { latchkey, keys } = setUp({ store: this.#store(), clock, keys: options })
    this.latchkey = latchkey
    this.keys = keys
  }

  /** Verifies the token, and checks the result. */
  async verify(known: KnownToken): Promise<void> {
    const { clock } = this.#world
    const beganAt = clock.monotonic()
    const delivered = this.#delivered
    const wasRefused = this.#refused.has(known)
    const outcome = await outcomeOf(() => this.latchkey.verify(known.token))
    if (typeof outcome === 'object') {
      this.#accepted(known, { beganAt, delivered })
      if (wasRefused) throw new Error('A token was accepted again by a process that had refused it.')
    } else if (outcome !== 'store_unavailable') {
      this.#refused.add(known)
      if (known.end === undefined) throw new Error(`A valid token was refused: ${String(outcome)}.`)
    }
  }

  /**
   * Ends all tokens of alice, and signs in again. The grace period is 0, so that a rotation ends
   * them too. A process runs one change at a time.
   */
  async change(change: 'revoke' | 'rotate' | 'requireReissue'): Promise<void> {
    const outcome = await outcomeOf(() => this.keys[change]('alice'))
    if (outcome === undefined) this.#delivered = Math.max(this.#delivered, this.#acknowledged)
    await this.signIn()
  }

  /**
   * Adds a token, unless it is signed with a secret that has ended, as by a process that has not
   * received the change yet.
   */
  async signIn(): Promise<void> {
    const issued = await outcomeOf(() => this.latchkey.issue({ subject: 'alice', expiresIn: 86_400 }))
    if (typeof issued === 'object') await this.#world.addToken((issued as IssuedToken).token)
  }

  async readBob(): Promise<void> {
    await outcomeOf(() => this.latchkey.issue({ subject: 'bob' }))
  }

  /**
   * A check of the feed: a reading of the clock, and a marker that arrives after everything
   * committed before.
   */
  async prove(): Promise<void> {
    const asOf = this.#options?.instant() ?? longAgo
    await this.deliver(() => this.#listener?.proved(asOf), 'marker')
  }

  receive(change: Change): void {
    void this.deliver(() => {
      this.#delivered = Math.max(this.#delivered, change.version)
      this.#listener?.changed(change)
    }, 'change')
  }

  /** Ends the connection: pending messages do not arrive. */
  cut(): void {
    this.#connection += 1
    this.#isConnected = false
  }

  async reconnect(): Promise<void> {
    if (this.#isConnected) return
    await this.#world.pass('listen')
    this.#isConnected = true
    this.#delivered = this.#world.newest
    this.#listener?.lost()
  }

  /** Sends a message. */
  deliver(arrive: () => void, label: string): Promise<void> {
    if (!this.#isConnected) return Promise.resolve()
    const connection = this.#connection
    this.#lastMessage = this.#lastMessage.then(async () => {
      await this.#world.pass(label)
      if (connection === this.#connection) arrive()
    })
    return this.#lastMessage
  }

  #accepted(known: KnownToken, { beganAt, delivered }: { readonly beganAt: number; readonly delivered: number }): void {
    const { end } = known
    if (end === undefined) return
    if (beganAt - end.at > maxStaleness) throw new Error('A token was accepted later than maxStaleness after its end.')
    if (delivered >= end.version) throw new Error('A token was accepted by a process that had received its end.')
  }

  #store(): TenantStore {
    const { inner } = this.#world
    const read = async <T>(work: () => Promise<T>): Promise<T> => {
      await this.#world.pass('read')
      const answer = await work()
      await this.#world.pass('answer')
      return answer
    }
    return new Proxy(inner as TenantStore, {
      get: (store, name) => {
        if (name === 'watch') {
          return async (listener: ChangeListener, options: WatchOptions) => {
            this.#listener = listener
            this.#options = options
            return { close: async () => {} }
          }
        }
        if (name === 'change') {
          return async (...args: Parameters<TenantStore['change']>) => {
            const record = await read(() => store.change(...args))
            this.#acknowledged = record?.version ?? 0
            return record
          }
        }
        const member: unknown = Reflect.get(store, name)
        if (typeof member !== 'function') return member
        return (...args: unknown[]) => read(() => member.apply(store, args))
      },
    })
  }
}

/**
 * Processes over one store and one shared cache. A scheduler of fast-check decides the order in
 * which messages arrive.
 */
export class ScheduledWorld {
  readonly clock = createFakeClock()
  readonly inner = memoryStore()
  readonly cache: SharedCache | undefined
  readonly processes: ScheduledProcess[] = []
  readonly tokens: KnownToken[] = []
  readonly #scheduler: fc.Scheduler
  #entries = new Map<string, SharedCacheEntry>()
  #snapshot = new Map<string, SharedCacheEntry>()
  #isScheduled = false
  #newest = 0

  constructor(scheduler: fc.Scheduler, isCacheShared: boolean) {
    this.#scheduler = scheduler
    this.cache = isCacheShared ? this.#sharedCache() : undefined
    // The world observes every commit at once, and sends it to all processes.
    void this.inner.watch(
      { changed: (change) => this.#committed(change), proved: () => {}, lost: () => {} },
      { verifierId: 'world', intervalMs: 3_600_000, instant: () => instantOf(this.clock) },
    )
  }

  /** The version of alice's last change. */
  get newest(): number {
    return this.#newest
  }

  #sharedCache(): SharedCache {
    return {
      ttlMs: 600_000,
      read: async (kids) => {
        await this.pass('cache')
        const found = kids.flatMap((kid) => {
          const entry = this.#entries.get(kid)
          return entry === undefined ? [] : [[kid, entry.value] as const]
        })
        await this.pass('cache answer')
        return new Map(found)
      },
      write: async (entries) => {
        await this.pass('cache write')
        for (const entry of entries) {
          const kept = this.#entries.get(entry.kid)
          if (kept === undefined || kept.version <= entry.version) this.#entries.set(entry.kid, entry)
        }
      },
      close: async () => {},
    }
  }

  async addToken(token: string): Promise<void> {
    const kid = JSON.parse(Buffer.from(token.slice(0, token.indexOf('.')), 'base64url').toString()).kid
    const alice = (await this.inner.readTenants(['alice'])).get('alice')
    const signing = alice?.secrets.find(({ retiresAt }) => retiresAt === null)
    if (signing?.kid === kid && alice?.version === this.#newest) this.tokens.push({ token })
  }

  /** Starts a process that has cached alice and verified her tokens. */
  async begin(): Promise<ScheduledProcess> {
    const process = new ScheduledProcess(this)
    this.processes.push(process)
    await process.signIn()
    await process.readBob()
    await process.prove()
    for (const known of this.tokens) await process.verify(known)
    return process
  }

  /** Runs these concurrently. The scheduler decides the order of all steps. */
  async run(actors: readonly (() => Promise<void>)[]): Promise<void> {
    this.#isScheduled = true
    try {
      await this.#scheduler.waitFor(Promise.all(actors.map((act) => act())))
    } finally {
      // Also after a failed check: an actor that still waits for a turn would keep the test from
      // ending and from reporting.
      this.#isScheduled = false
      await this.#scheduler.waitIdle()
    }
  }

  /**
   * After recovery, every process must refuse the tokens that have ended, and accept the others.
   */
  async expectTruth(): Promise<void> {
    for (const process of this.processes) {
      await process.reconnect()
      await process.prove()
      for (const known of this.tokens) {
        const outcome = await outcomeOf(() => process.latchkey.verify(known.token))
        const isAccepted = typeof outcome === 'object'
        if (isAccepted !== (known.end === undefined)) throw new Error('After recovery a token was misjudged.')
      }
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.processes.map(({ latchkey }) => latchkey.close()))
    await this.inner.close()
  }

  /** Waits for its turn. */
  async pass(label: string): Promise<void> {
    if (this.#isScheduled) await this.#scheduler.schedule(Promise.resolve(), label)
  }

  takeSnapshot(): void {
    this.#snapshot = new Map(this.#entries)
  }

  /** Empties the shared cache. */
  flush(): void {
    this.#entries = new Map()
  }

  restoreSnapshot(): void {
    this.#entries = new Map(this.#snapshot)
  }

  #committed(change: Change): void {
    if (change.tenant !== 'alice') return
    this.#newest = change.version
    for (const known of this.tokens) known.end ??= { at: this.clock.monotonic(), version: change.version }
    for (const process of this.processes) process.receive(change)
  }
}
