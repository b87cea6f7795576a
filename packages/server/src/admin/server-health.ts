import { setTimeout as sleep } from 'node:timers/promises'
import type { Configuration } from '../config/configuration.js'
import { currentOf } from '../config/setting-files.js'
import type { Core } from '../core.js'
import { checkConfiguration } from '../ops/checks/check-configuration.js'
import { checkDatabase } from '../ops/checks/check-database.js'
import { checkSpace } from '../ops/checks/check-folder.js'
import { checkRing, checkUse } from '../ops/checks/check-keys.js'
import { checkMail } from '../ops/checks/check-mail.js'
import { checkRedis } from '../ops/checks/check-redis.js'
import { checkBackup, checkOutbox, checkSealing } from '../ops/checks/check-upkeep.js'
import { type Finding, fail, ok, warn } from '../ops/checks/finding.js'
import type { FreeBytes } from '../ops/disk-space.js'
import type { Readiness } from '../ops/readiness.js'

/** The parts of the server, in the order of the answer. */
export const healthParts = [
  'database',
  'change_feed',
  'redis',
  'mail',
  'master_keys',
  'backups',
  'audit_log',
  'disk',
  'network',
] as const

export type HealthPart = (typeof healthParts)[number]

/** The state of one part, in words. */
export interface PartHealth {
  readonly name: HealthPart
  /** `degraded`: it works, but needs attention. */
  readonly state: 'ok' | 'degraded' | 'down'
  readonly summary: string
  /** The next step; empty with `ok`. */
  readonly advice: string
}

export interface ServerHealthParts extends Pick<Core, 'store' | 'keys' | 'clock'> {
  readonly masterKeys: string
  readonly readiness: Pick<Readiness, 'warnings'>
  readonly free?: FreeBytes | undefined
}

type Settings = Pick<Configuration, 'database' | 'issuer' | 'mail' | 'maxStalenessMs' | 'redisUrl' | 'trustedProxies'>

/** A check without an answer by then has failed. */
const maxCheckMs = 4000

/** Results are kept for this time, so that several pages cost no more than one. */
const keptMs = 3000
/** A session with the mail server includes a sign-in, which some servers limit. */
const mailKeptMs = 60_000

const levels = { ok: 'ok', warn: 'degraded', fail: 'down' } as const
const severity = { ok: 0, degraded: 1, down: 2 } as const

/**
 * Checks all parts of the server by the checks of `latchkey doctor`, in words that contain no
 * secret, no address with credentials, and no message of another program.
 */
export class ServerHealth {
  readonly #checks: Readonly<Record<HealthPart, () => Promise<PartHealth>>>
  readonly #parts: ServerHealthParts
  readonly #settings: Settings

  constructor(parts: ServerHealthParts, settings: Settings) {
    this.#parts = parts
    this.#settings = settings
    const check = (name: HealthPart, run: () => Promise<readonly Finding[]>, forMs = keptMs) =>
      keep(() => examine(name, run), forMs)
    this.#checks = {
      database: check('database', () => this.#checkDatabase()),
      change_feed: check('change_feed', async () => [this.#checkFeed()], 0),
      redis: check('redis', () => this.#checkRedis()),
      mail: check('mail', () => this.#checkMail(), mailKeptMs),
      master_keys: check('master_keys', () => this.#checkMasterKeys()),
      backups: check('backups', async () => [await checkBackup(parts.store, parts.clock.now())]),
      audit_log: check('audit_log', async () => [await checkSealing(parts.store, parts.clock.now())]),
      disk: check('disk', () => this.#checkDisk()),
      network: check('network', () => this.#checkNetwork()),
    }
  }

  /** Returns the health of every part, within five seconds. */
  read(): Promise<readonly PartHealth[]> {
    return Promise.all(healthParts.map((name) => this.#checks[name]()))
  }

  #checkDatabase(): Promise<Finding[]> {
    const { store } = this.#parts
    return checkDatabase(store, store.dialect === 'postgres' ? 'PostgreSQL' : 'the embedded database')
  }

  #checkFeed(): Finding {
    const ageMs = this.#parts.keys.feedAgeMs
    const detail = `this process knows every change up to ${Math.round(ageMs)} ms ago`
    if (ageMs <= this.#settings.maxStalenessMs) return ok('change feed', detail)
    const remedy = 'The database must be the primary, and answer in time. Until then each token needs a read.'
    return fail('change feed', 'this process does not learn of changes now', remedy)
  }

  async #checkRedis(): Promise<Finding[]> {
    const { redisUrl } = this.#settings
    if (redisUrl === undefined) return [ok('redis', 'not configured, and not needed')]
    const findings = await checkRedis(currentOf(redisUrl))
    const isInMemory = (await this.#parts.readiness.warnings()).includes('limits_in_memory')
    if (!isInMemory) return findings
    const remedy = 'Look at the load of Redis. Until it answers in time, each server counts rate limits by itself.'
    return [...findings, warn('redis', 'rate limits are counted in memory', remedy)]
  }

  async #checkMail(): Promise<Finding[]> {
    const { store } = this.#parts
    return [await checkMail(this.#settings.mail), await checkOutbox(store)]
  }

  async #checkMasterKeys(): Promise<Finding[]> {
    const { store, masterKeys } = this.#parts
    return [checkRing(masterKeys, await store.masterKeyIds()), checkUse(masterKeys, await store.sealCounts())]
  }

  async #checkDisk(): Promise<Finding[]> {
    const { database } = this.#settings
    if (database.kind === 'embedded') return [await checkSpace(database.folder, this.#parts.free)]
    return [ok('disk', 'the data is in PostgreSQL: watch the disk of its machine')]
  }

  async #checkNetwork(): Promise<Finding[]> {
    const findings = checkConfiguration(this.#settings)
    const isUntrusted = (await this.#parts.readiness.warnings()).includes('forwarding_untrusted')
    if (!isUntrusted) return findings
    const remedy = 'If it is your proxy, add its address to TRUSTED_PROXIES; the log has the address.'
    return [...findings, warn('proxies', 'an untrusted peer has sent a forwarding header', remedy)]
  }
}

/** Returns the worst finding as the health of a part; a failed check counts as one. */
async function examine(name: HealthPart, run: () => Promise<readonly Finding[]>): Promise<PartHealth> {
  const ended = new AbortController()
  const late = sleep(maxCheckMs, undefined, { signal: ended.signal })
  late.catch(() => {})
  const findings = await Promise.race([run(), late]).catch(() => undefined)
  ended.abort()
  if (findings === undefined) {
    const advice = 'If the database does not answer, restore it first; else see the log of the server.'
    return { name, state: 'down', summary: 'The check did not end in time, or failed.', advice }
  }
  const [worst] = findings
    .map(({ check, level, detail, remedy = '' }) => ({ check, state: levels[level], detail, remedy }))
    .sort((a, b) => severity[b.state] - severity[a.state])
  if (worst === undefined) return { name, state: 'ok', summary: 'Nothing to check.', advice: '' }
  return { name, state: worst.state, summary: sentence(worst.detail), advice: worst.remedy }
}

/** Returns the text as a sentence. A URL at its beginning stays as it is. */
function sentence(text: string): string {
  const begun = text.replace(/^[a-z](?=[a-z-]*[ ,;])/, (letter) => letter.toUpperCase())
  return begun.endsWith('.') ? begun : `${begun}.`
}

/** Returns the function with its last result kept for this time. Concurrent calls share one. */
function keep<T>(load: () => Promise<T>, forMs: number): () => Promise<T> {
  let last: { readonly result: Promise<T>; readonly atMs: number } | undefined
  return () => {
    const now = performance.now()
    if (last === undefined || now - last.atMs >= forMs) last = { result: load(), atMs: now }
    return last.result
  }
}
