import { EventEmitter } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Forgery } from 'latchkey'
import { lockAccount } from '../accounts/account-table.js'
import { lockClient } from '../clients/client-table.js'
import type { Core } from '../core.js'
import type { AddressScope } from '../http/address-scope.js'
import { endSessions } from '../sessions/session-table.js'

/** A leaked secret: it has signed a token that this server did not issue. */
export interface SecretLeak {
  /** The ID of the account or client that owns the secret. */
  readonly account: string
  readonly kid: string
  /** The address of the client that sent the forged token; `null` outside of a request. */
  readonly address: string | null
}

/** Events: a `leak` once its secret has ended, and a `failure` to end one, which is retried. */
interface LeakEvents {
  leak: [SecretLeak]
  failure: [unknown]
}

const retryIntervalMs = 1000

/**
 * Number of leaked secrets kept in memory, so that more tokens of the same secret cause no query.
 */
const maxKnown = 10_000

/**
 * Ends the secrets and the sessions of an account whose secret has leaked, in one transaction with
 * its audit entry. It does so once, for any number of forged tokens and processes.
 */
export class LeakResponse extends EventEmitter<LeakEvents> {
  readonly #core: Core
  readonly #addresses: Pick<AddressScope, 'current'>
  readonly #known = new Set<string>()
  readonly #stop = new AbortController()
  #working: Promise<void> = Promise.resolve()

  constructor(core: Core, addresses: Pick<AddressScope, 'current'>) {
    super()
    this.#core = core
    this.#addresses = addresses
  }

  /**
   * Responds to a forged token of the current request, once for each secret. Returns at once and
   * never throws.
   */
  report({ subject, kid }: Forgery): void {
    if (this.#known.has(kid) || this.#stop.signal.aborted) return
    const [oldest] = this.#known
    if (this.#known.size >= maxKnown && oldest !== undefined) this.#known.delete(oldest)
    this.#known.add(kid)
    const leak = { account: subject, kid, address: this.#addresses.current ?? null }
    this.#working = this.#working.then(() => this.#respond(leak))
  }

  /** Waits for the response in progress and stops retrying. */
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

  /** Returns `false` if the secret is gone, because another process has ended it. */
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
