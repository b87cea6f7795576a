import { setTimeout as sleep } from 'node:timers/promises'
import { nowMs } from './clock.js'
import { type Change, type ChangeKind, changeKinds, type IssuedToken, type Verification } from './history.js'
import type { Random } from './random.js'
import type { Post, Site } from './site.js'

/**
 * The number of tenants at a time, of verified tokens of each, and of changes after which a new
 * tenant replaces a tenant.
 */
const tenants = 24
const tokensPerTenant = 6
const changesPerTenant = 12

/**
 * The number of concurrent verifications per process, and the pause before the next. Those that
 * read through a half-open connection wait for seconds, and the others go on.
 */
const questionsAtOnce = 12
const pauseMs = 32
const questionsInBatch = 100
const changePauseMs = 60

/** The allowed refusals of a change: the tenant was forgotten, or has been rotated very often. */
const refusals: readonly string[] = ['tenant_unknown', 'too_many_rotations']

/** A tenant under load. It has one issue or change at a time, so that their order is known. */
interface Tenant {
  readonly name: string
  readonly tokens: IssuedToken[]
  changes: number
}

/** Bounded load on a site: logins, changes and very many verifications, all recorded. */
export class Load {
  readonly tokens: IssuedToken[] = []
  readonly changes: Change[] = []
  readonly verifications: Verification[] = []
  readonly #site: Site
  readonly #random: Random
  readonly #writers: readonly Post[]
  readonly #tenants: (Tenant | undefined)[] = []
  #named = 0
  #stopped = false

  /** `writers` are the posts that issue tokens and make changes. */
  constructor(site: Site, random: Random, writers: readonly Post[]) {
    this.#site = site
    this.#random = random
    this.#writers = writers
  }

  /** Runs until `stop`; resolves when all requests have been answered. */
  async run(): Promise<void> {
    const changing = Array.from({ length: tenants }, (_, place) => this.#change(place))
    const verifying = this.#site.posts.flatMap((post) =>
      Array.from({ length: questionsAtOnce }, () => this.#verify(post)),
    )
    await Promise.all([...changing, ...verifying])
  }

  stop(): void {
    this.#stopped = true
  }

  /** Verifies every token in one process. */
  async verifyAll(process: Post['process']): Promise<void> {
    for (let from = 0; from < this.tokens.length; from += questionsInBatch) {
      const batch = this.tokens.slice(from, from + questionsInBatch)
      await Promise.all(batch.map((token) => this.#verifyOnce(process, token)))
    }
  }

  async #change(place: number): Promise<void> {
    while (!this.#stopped) {
      const tenant = this.#tenants[place] ?? this.#newTenant()
      this.#tenants[place] = tenant
      const isKnown = await this.#logInOrChange(tenant)
      // The state of a tenant is unknown after a change without an acknowledgement.
      if (!isKnown || tenant.changes >= changesPerTenant) this.#tenants[place] = undefined
      await sleep(this.#random.below(changePauseMs * tenants) / 4)
    }
  }

  #newTenant(): Tenant {
    this.#named += 1
    return { name: `tenant-${this.#named}`, tokens: [], changes: 0 }
  }

  /** Returns whether the outcome is known. */
  async #logInOrChange(tenant: Tenant): Promise<boolean> {
    const post = this.#random.of(this.#writers)
    const latest = tenant.tokens.at(-1)
    if (latest === undefined || this.#random.below(100) < 50) return this.#logIn(post, tenant)
    tenant.changes += 1
    return this.#carryOut(post, this.#random.of(changeKinds), latest)
  }

  async #logIn(post: Post, tenant: Tenant): Promise<boolean> {
    const askedAt = nowMs()
    const { process } = post
    const answer = await process.ask({ kind: 'issue', tenant: tenant.name })
    if (answer === undefined || isUnanswered(answer.outcome)) return true
    const { outcome, token, sessionId, endedAt: issuedAt } = answer
    if (token === undefined || sessionId === undefined) throw new Error(`${process.name} issued no token: ${outcome}.`)
    const kid = kidOf(token)
    const issued = { token, kid, tenant: tenant.name, sessionId, process: process.name, askedAt, issuedAt }
    this.tokens.push(issued)
    tenant.tokens.push(issued)
    if (tenant.tokens.length > tokensPerTenant) tenant.tokens.shift()
    return true
  }

  async #carryOut(post: Post, kind: ChangeKind, { tenant, sessionId }: IssuedToken): Promise<boolean> {
    const { process } = post
    const change: Change = {
      kind,
      tenant,
      sessionId,
      everywhere: kind !== 'rotate' && this.#random.below(2) === 0,
      process: process.name,
      startedAt: nowMs(),
      acknowledgedAt: undefined,
    }
    this.changes.push(change)
    const answer = await process.ask({ kind: 'change', change: kind, tenant, sessionId, everywhere: change.everywhere })
    if (answer === undefined || isUnanswered(answer.outcome)) return false
    if (answer.outcome === 'done') change.acknowledgedAt = answer.endedAt
    else if (!refusals.includes(answer.outcome)) throw new Error(`${process.name} did not ${kind}: ${answer.outcome}.`)
    // The change had no effect.
    else this.changes.splice(this.changes.indexOf(change), 1)
    return true
  }

  async #verify(post: Post): Promise<void> {
    while (!this.#stopped) {
      const token = this.#anyToken()
      if (token !== undefined) await this.#verifyOnce(post.process, token)
      await sleep(pauseMs)
    }
  }

  async #verifyOnce(process: Post['process'], token: IssuedToken): Promise<void> {
    const answer = await process.ask({ kind: 'verify', token: token.token })
    if (answer === undefined) return
    const { outcome, beganAt, endedAt } = answer
    this.verifications.push({ token, process: process.name, post: process.post, beganAt, endedAt, outcome })
  }

  #anyToken(): IssuedToken | undefined {
    const tenant = this.#random.of(this.#tenants)
    return tenant === undefined || tenant.tokens.length === 0 ? undefined : this.#random.of(tenant.tokens)
  }
}

function kidOf(token: string): string {
  return JSON.parse(Buffer.from(token.slice(0, token.indexOf('.')), 'base64url').toString()).kid
}

/** The database was unavailable, or its transactions waited for an interrupted one. */
function isUnanswered(outcome: string): boolean {
  return outcome === 'store_unavailable' || outcome === 'store_busy'
}
