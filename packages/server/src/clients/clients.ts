import { type Clock, isLatchkeyError, type Latchkey, type TenantSecrets } from 'latchkey'
import type { SqlClient, SqlStore } from 'latchkey/sql'
import type { AuditEvent } from '../audit/audit-record.js'
import type { AuditTrail } from '../audit/audit-trail.js'
import { Problem } from '../problem.js'
import type { ClientCredentials } from './client-credentials.js'
import { findSecretHash } from './client-secret.js'
import * as table from './client-table.js'
import { grantScope } from './scope.js'

/** What `Clients` works with. */
export interface ClientsOptions {
  readonly store: SqlStore
  readonly keys: TenantSecrets<SqlClient>
  readonly latchkey: Latchkey
  readonly audit: AuditTrail
  readonly clock: Clock
}

/** What a client asks a token for. */
export interface GrantRequest {
  readonly credentials: ClientCredentials
  /** The `scope` parameter; `undefined` for everything that the client may have. */
  readonly scope: string | undefined
  /** Where the request comes from. */
  readonly address: string
}

/** A token for a client. */
export interface ClientToken {
  readonly accessToken: string
  readonly expiresInSec: number
  /** What it allows; empty when it is nothing that has a name. */
  readonly scope: string
}

/** A client that has proved itself, and by which of its secrets. */
interface ProvenClient extends table.Client {
  readonly hash: string
}

/** Programs that act for themselves, and their tokens. */
export class Clients {
  readonly #options: ClientsOptions

  constructor(options: ClientsOptions) {
    this.#options = options
  }

  /**
   * Returns the client with these credentials; `address` is where they come from. Fails with `client_unauthenticated`, for whatever reason, and
   * `client_disabled`, which only who has its secret is told.
   */
  authenticate(credentials: ClientCredentials | undefined, address: string): Promise<table.Client> {
    return this.#proveOrAudit(credentials, { event: 'client_authenticate', address })
  }

  /**
   * A token of the client's own (RFC 6749 §4.4), under its tenant's secret and with a session of its own, so that one token can be ended alone.
   * Fails with `client_unauthenticated`, `client_disabled`, `scope_refused`.
   *
   * Client and secret are looked up again after the signature, like the session of a user's token: whoever disables the client or ends its
   * secret also kills what was signed before, so that nothing is handed out that was signed behind the back of such a change. The token names a
   * scope only where less than everything was asked for: what the client may do is stored with its tenant.
   */
  async grant({ credentials, scope, address }: GrantRequest): Promise<ClientToken> {
    const client = await this.#proveOrAudit(credentials, { event: 'client_token', address })
    const granted = await this.#grantedScope(client, scope, address)
    const { token, expiresIn } = await this.#sign(client.id, scope === undefined ? undefined : granted)
    await this.#record(await this.#proveOrForget(credentials), address)
    return { accessToken: token, expiresInSec: expiresIn, scope: granted }
  }

  async #sign(id: string, scope: string | undefined) {
    try {
      const claims = { client_id: id, ...(scope === undefined ? {} : { scope }) }
      return await this.#options.latchkey.issue({ subject: id, claims })
    } catch (error) {
      if (isLatchkeyError(error) && error.code === 'tenant_disabled') throw new Problem('client_disabled')
      throw error
    }
  }

  async #prove(credentials: ClientCredentials | undefined): Promise<ProvenClient> {
    const { store, clock } = this.#options
    if (credentials === undefined) throw new Problem('client_unauthenticated')
    const stored = await table.findStoredClient(store, credentials.clientId, clock.now())
    const hash = findSecretHash(credentials.secret, stored?.hashes ?? [])
    if (stored === undefined || hash === undefined) throw new Problem('client_unauthenticated')
    if (stored.disabledAt !== null) throw new Problem('client_disabled')
    const { hashes, ...client } = stored
    return { ...client, hash }
  }

  async #proveOrAudit(
    credentials: ClientCredentials | undefined,
    { event, address }: { readonly event: AuditEvent; readonly address: string },
  ): Promise<ProvenClient> {
    try {
      return await this.#prove(credentials)
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      const { store, audit } = this.#options
      const named = credentials === undefined ? undefined : await table.findClient(store, credentials.clientId)
      const account = named?.id ?? null
      await audit.tally({ event, outcome: 'refused', actor: null, account, address, detail: { reason: error.code } })
      throw error
    }
  }

  /** Returns what the token will allow. Fails with `scope_refused`. */
  async #grantedScope({ id, scope: allowed }: table.Client, requested: string | undefined, address: string) {
    const scope = grantScope(allowed, requested)
    if (scope !== undefined) return scope
    const entry = { event: 'client_token', outcome: 'refused', actor: id, account: id, address } as const
    await this.#options.audit.tally({ ...entry, detail: { reason: 'scope_refused' } })
    throw new Problem('scope_refused')
  }

  async #proveOrForget(credentials: ClientCredentials): Promise<ProvenClient> {
    try {
      return await this.#prove(credentials)
    } catch (error) {
      // A client that was deleted meanwhile: signing may have made a new secret for it.
      await this.#forgetDeleted(credentials.clientId)
      throw error
    }
  }

  #forgetDeleted(id: string): Promise<void> {
    return this.#options.store.transaction(async (client) => {
      const isDeleted = (await table.lockClient(client, id)) === undefined
      if (isDeleted) await this.#options.keys.forget(id, { client })
    })
  }

  async #record({ id, hash }: ProvenClient, address: string): Promise<void> {
    const { store, audit, clock } = this.#options
    await table.noteClientSecretUse(store, { clientId: id, hash, nowMs: clock.now() })
    await audit.tally({ event: 'client_token', outcome: 'done', actor: id, account: id, address })
  }
}
