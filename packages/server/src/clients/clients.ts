import { type Clock, isLatchkeyError, type Latchkey, type TenantSecrets } from 'latchkey'
import type { SqlClient, SqlStore } from 'latchkey/sqlite'
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

  /** The client with these credentials. Fails with `client_unauthenticated`, for whatever reason, and `client_disabled`, which only who has its secret is told. */
  authenticate(credentials: ClientCredentials | undefined): Promise<table.Client> {
    return this.#prove(credentials)
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
    const client = await this.#proveOrAudit(credentials, address)
    const granted = grantedScope(client, scope)
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

  async #proveOrAudit(credentials: ClientCredentials, address: string): Promise<ProvenClient> {
    try {
      return await this.#prove(credentials)
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      const { store, audit } = this.#options
      const account = (await table.findClient(store, credentials.clientId))?.id ?? null
      await audit.append(store, { event: 'client_token', outcome: 'refused', actor: null, account, address })
      throw error
    }
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

  #record({ id, hash }: ProvenClient, address: string): Promise<void> {
    const { store, audit, clock } = this.#options
    return store.transaction(async (client) => {
      await table.noteClientSecretUse(client, { clientId: id, hash, nowMs: clock.now() })
      await audit.append(client, { event: 'client_token', outcome: 'done', actor: id, account: id, address })
    })
  }
}

function grantedScope({ scope: allowed }: table.Client, requested: string | undefined): string {
  const scope = grantScope(allowed, requested)
  if (scope === undefined) throw new Problem('scope_refused')
  return scope
}
