import { EventEmitter } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Forgery } from 'latchkey'
import { lockAccount } from '../accounts/account-table.js'
import { lockClient } from '../clients/client-table.js'
import type { Core } from '../core.js'
import { endSessions } from '../sessions/session-table.js'

/** A leaked secret: a token was signed with it that this server did not issue. */
export interface SecretLeak {
  /** The account or client whose secret it is. */
  readonly account: string
  readonly kid: string
  /** The address of the request with the forged token; `null` if unknown. */
  readonly address: string | null
}

/** Events: a `leak` once its secret has ended, and a `failure` to end one, which is retried. */
interface LeakEvents {
  leak: [SecretLeak]
  failure: [unknown]
}

const retryIntervalMs = 1000

/** Number of leaked secrets kept in memory, so that further tokens of the same secret cost nothing. */
const maxKnown = 10_000

/**
 * Ends the secrets and the sessions of an account whose secret has leaked, in one transaction with its
 * audit entry: once, for any number of forged tokens in any number of processes.
 */
export class LeakResponse extends EventEmitter<LeakEvents> {
  readonly #core: Core
  readonly #known = new Set<string>()
  readonly #origins = new WeakMap<object, string>()
  readonly #stop = new AbortController()
  #working: Promise<void> = Promise.resolve()

  constructor(core: Core) {
    super()
    this.#core = core
  }

  /** Records the address of a request that was refused with this error. */
  noteOrigin(error: unknown, address: string): void {
    if (typeof error === 'object' && error !== null) this.#origins.set(error, address)
  }

  /** Handles a forged token, once for each secret. Returns at once and never throws. */
  report({ subject, kid, refusal }: Forgery): void {
    if (this.#known.has(kid) || this.#stop.signal.aborted) return
    const [oldest] = this.#known
    if (this.#known.size >= maxKnown && oldest !== undefined) this.#known.delete(oldest)
    this.#known.add(kid)
    const previous = this.#working
    this.#working = (async () => {
      // By the next turn of the event loop the request was refused, and its address recorded.
      await new Promise(setImmediate)
      await previous
      await this.#respond({ account: subject, kid, address: this.#origins.get(refusal) ?? null })
    })()
  }

  /** Waits for the current work; a failure is not retried any more. */
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

  /** Returns whether the secret was still in use: another process may have ended it. */
  #end({ account, kid, address }: SecretLeak): Promise<boolean> {
    const { store, keys, audit, clock } = this.#core
    return store.transaction(async (client) => {
      // With this lock held, a change by another process is committed, and so visible below.
      if ((await lockAccount(client, account)) === undefined) await lockClient(client, account)
      const tenant = await keys.describe(account)
      if (tenant?.secrets.every((secret) => secret.kid !== kid) ?? true) return false
      await endSessions(client, account, { reason: 'secret_leak', nowMs: clock.now() })
      await keys.revoke(account, { client })
      const detail = { reason: 'session_forged', kid }
      await audit.refused(client, 'secret_leak', { accountId: null, address }, { account, detail })
      return true
    })
  }
}
