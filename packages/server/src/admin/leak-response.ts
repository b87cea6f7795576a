import { EventEmitter } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock, Forgery, TenantSecrets } from 'latchkey'
import type { SqlClient, SqlStore } from 'latchkey/sql'
import { lockAccount } from '../accounts/account-table.js'
import type { AuditTrail } from '../audit/audit-trail.js'
import { lockClient } from '../clients/client-table.js'
import { endSessions } from '../sessions/session-table.js'

/** What `LeakResponse` works with. */
export interface LeakResponseOptions {
  readonly store: SqlStore
  readonly keys: TenantSecrets<SqlClient>
  readonly audit: AuditTrail
  readonly clock: Clock
}

/** A secret that somebody else has signed with. */
export interface SecretLeak {
  /** The account or client whose secret it is. */
  readonly account: string
  readonly kid: string
  /** Where the token came from that showed it; `null` when that cannot be told. */
  readonly address: string | null
}

/** What is told: a `leak` once its secret has ended, and a `failure` to end one, which is tried again. */
interface LeakEvents {
  leak: [SecretLeak]
  failure: [unknown]
}

const retryIntervalMs = 1000

/** Leaked secrets that are remembered, so that the tokens which follow the first one cost nothing. */
const maxKnown = 10_000

/**
 * Answers the tripwire: ends the secrets and the sessions of an account for which somebody else has signed, in one transaction with its audit entry. Of
 * any number of forged tokens, in any number of processes, one does that.
 */
export class LeakResponse extends EventEmitter<LeakEvents> {
  readonly #options: LeakResponseOptions
  readonly #known = new Set<string>()
  readonly #origins = new WeakMap<object, string>()
  readonly #stop = new AbortController()
  #working: Promise<void> = Promise.resolve()

  constructor(options: LeakResponseOptions) {
    super()
    this.#options = options
  }

  /** Notes where a request came from that was refused with this error. */
  noteOrigin(error: unknown, address: string): void {
    if (typeof error === 'object' && error !== null) this.#origins.set(error, address)
  }

  /** Deals with a forged token, once for each secret. Returns at once and never throws. */
  report({ subject, kid, refusal }: Forgery): void {
    if (this.#known.has(kid) || this.#stop.signal.aborted) return
    const [oldest] = this.#known
    if (this.#known.size >= maxKnown && oldest !== undefined) this.#known.delete(oldest)
    this.#known.add(kid)
    const previous = this.#working
    this.#working = (async () => {
      // By the next turn the request has been answered, and its origin noted.
      await new Promise(setImmediate)
      await previous
      await this.#respond({ account: subject, kid, address: this.#origins.get(refusal) ?? null })
    })()
  }

  /** Waits for what is being done; what still fails then is not tried again. */
  async close(): Promise<void> {
    this.#stop.abort()
    await this.#working
  }

  async #respond(leak: SecretLeak): Promise<void> {
    for (;;) {
      try {
        if (await this.#end(leak)) this.emit('leak', leak)
        return
      } catch (error) {
        this.emit('failure', error)
      }
      if (this.#stop.signal.aborted) return
      await sleep(retryIntervalMs, undefined, { ref: false, signal: this.#stop.signal }).catch(() => {})
    }
  }

  /** Whether there was something to end: another process may have been faster, or the secret may have ended long ago. */
  #end({ account, kid, address }: SecretLeak): Promise<boolean> {
    const { store, keys, audit, clock } = this.#options
    return store.transaction(async (client) => {
      // With this lock held, what another process has ended is committed, and so seen below.
      if ((await lockAccount(client, account)) === undefined) await lockClient(client, account)
      const tenant = await keys.describe(account)
      if (tenant?.secrets.every((secret) => secret.kid !== kid) ?? true) return false
      await endSessions(client, account, { reason: 'secret_leak', nowMs: clock.now() })
      await keys.revoke(account, { client })
      await audit.append(client, {
        event: 'secret_leak',
        outcome: 'refused',
        actor: null,
        account,
        address,
        detail: { reason: 'session_forged', kid },
      })
      return true
    })
  }
}
