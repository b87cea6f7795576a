import { EventEmitter } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock, Forgery, TenantSecrets } from 'latchkey'
import type { SqlClient, SqlStore } from 'latchkey/sql'
import { lockAccount } from '../accounts/account-table.js'
import type { AuditTrail } from '../audit/audit-trail.js'
import { lockClient } from '../clients/client-table.js'
import type { AddressScope } from '../http/address-scope.js'
import { endSessions } from '../sessions/session-table.js'

export interface LeakResponseOptions {
  readonly store: SqlStore
  readonly keys: TenantSecrets<SqlClient>
  readonly audit: AuditTrail
  readonly addresses: Pick<AddressScope, 'current'>
  readonly clock: Clock
}

/** A secret with which a token was signed that this server did not issue. */
export interface SecretLeak {
  /** The account or client whose secret it is. */
  readonly account: string
  readonly kid: string
  /** The client that sent the forged token; `null` outside of a request. */
  readonly address: string | null
}

/** Emitted: a `leak` once its secret has ended, and a `failure` to end one, which is tried again. */
interface LeakEvents {
  leak: [SecretLeak]
  failure: [unknown]
}

const retryIntervalMs = 1000

/** Leaked secrets that are remembered, so that further tokens of the same secret cost nothing. */
const maxKnown = 10_000

/**
 * Responds to forged tokens: ends the secrets and the sessions of the account whose secret signed one,
 * in one transaction with the audit entry. Of any number of forged tokens, in any number of processes,
 * one causes that.
 */
export class LeakResponse extends EventEmitter<LeakEvents> {
  readonly #options: LeakResponseOptions
  readonly #known = new Set<string>()
  readonly #stop = new AbortController()
  #working: Promise<void> = Promise.resolve()

  constructor(options: LeakResponseOptions) {
    super()
    this.#options = options
  }

  /** Responds to a forged token of the current request, once for each secret. Returns at once and never throws. */
  report({ subject, kid }: Forgery): void {
    if (this.#known.has(kid) || this.#stop.signal.aborted) return
    const [oldest] = this.#known
    if (this.#known.size >= maxKnown && oldest !== undefined) this.#known.delete(oldest)
    this.#known.add(kid)
    const leak = { account: subject, kid, address: this.#options.addresses.current ?? null }
    this.#working = this.#working.then(() => this.#respond(leak))
  }

  /** Waits for responses under way; one that fails from now on is not tried again. */
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

  /** Resolves with whether the secret still existed: another process may have been faster. */
  #end({ account, kid, address }: SecretLeak): Promise<boolean> {
    const { store, keys, audit, clock } = this.#options
    return store.transaction(async (client) => {
      // While this lock is held, whatever another process has ended is committed, and is read below.
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
