import { isLatchkeyError, type Latchkey } from 'latchkey'
import type { AuditEvent } from '../audit/audit-record.js'
import type { Core } from '../core.js'
import { isProblem } from '../problem.js'
import type { ClientCredentials } from './client-credentials.js'
import { findSecretHash } from './client-secret.js'
import * as table from './client-table.js'
import { clientFailures } from './failures.js'
import { grantScope } from './scope.js'

/** A client's request for a token. */
export interface GrantRequest {
  readonly credentials: ClientCredentials
  /** The `scope` parameter; `undefined` for all scopes of the client. */
  readonly scope: string | undefined
  /** The address of the request. */
  readonly address: string
}

/** A token for a client. */
export interface ClientToken {
  readonly accessToken: string
  readonly expiresInSec: number
  /** The scope of the token; empty for none. */
  readonly scope: string
}

/** An authenticated client, and the hash of the secret that it used. */
interface AuthenticatedClient extends table.Client {
  readonly hash: string
}

/** OAuth clients that act on their own behalf, and their tokens. */
export class Clients {
  readonly #core: Core
  readonly #latchkey: Latchkey

  constructor(core: Core, { latchkey }: { readonly latchkey: Latchkey }) {
    this.#core = core
    this.#latchkey = latchkey
  }

  /**
   * Returns the client with these credentials. `address` is the address of the request.
   *
   * @throws Problem `client_unauthenticated`; `client_disabled` if the secret is right
   */
  authenticate(credentials: ClientCredentials | undefined, address: string): Promise<table.Client> {
    return this.#authenticateOrAudit(credentials, { event: 'client_authenticate', address })
  }

  /**
   * Issues a token of the client (RFC 6749 §4.4), signed with its tenant's secret, in a session of
   * its own, so that it can be revoked on its own.
   *
   * Client and secret are read again after the signature, so that no token is returned that was
   * signed while the client was being disabled or its secret ended. The token contains a scope only
   * if the request asked for less than all: the rights of the client are stored with its tenant.
   *
   * @throws Problem `client_unauthenticated`, `client_disabled`, `scope_refused`
   */
  async grant({ credentials, scope, address }: GrantRequest): Promise<ClientToken> {
    const client = await this.#authenticateOrAudit(credentials, { event: 'client_token', address })
    const granted = await this.#grantedScope(client, scope, address)
    const { token, expiresIn } = await this.#sign(client.id, scope === undefined ? undefined : granted)
    await this.#record(await this.#confirmOrForget(credentials), address)
    return { accessToken: token, expiresInSec: expiresIn, scope: granted }
  }

  async #sign(id: string, scope: string | undefined) {
    try {
      const claims = { client_id: id, ...(scope === undefined ? {} : { scope }) }
      return await this.#latchkey.issue({ subject: id, claims })
    } catch (error) {
      if (isLatchkeyError(error) && error.code === 'tenant_disabled') throw clientFailures.refusal('client_disabled')
      throw error
    }
  }

  async #check(credentials: ClientCredentials | undefined): Promise<AuthenticatedClient> {
    const { store, clock } = this.#core
    if (credentials === undefined) throw clientFailures.refusal('client_unauthenticated')
    const stored = await table.findStoredClient(store, credentials.clientId, clock.now())
    const hash = findSecretHash(credentials.secret, stored?.hashes ?? [])
    if (stored === undefined || hash === undefined) throw clientFailures.refusal('client_unauthenticated')
    if (stored.disabledAt !== null) throw clientFailures.refusal('client_disabled')
    const { hashes, ...client } = stored
    return { ...client, hash }
  }

  async #authenticateOrAudit(
    credentials: ClientCredentials | undefined,
    { event, address }: { readonly event: AuditEvent; readonly address: string },
  ): Promise<AuthenticatedClient> {
    try {
      return await this.#check(credentials)
    } catch (error) {
      if (!isProblem(error)) throw error
      const { store, audit } = this.#core
      const named = credentials === undefined ? undefined : await table.findClient(store, credentials.clientId)
      const subject = { account: named?.id ?? null, detail: { reason: error.code } }
      await audit.countRefused(event, { accountId: null, address }, subject)
      throw error
    }
  }

  /** Returns the scope of the token. Throws `scope_refused`. */
  async #grantedScope({ id, scope: allowed }: table.Client, requested: string | undefined, address: string) {
    const scope = grantScope(allowed, requested)
    if (scope !== undefined) return scope
    const detail = { reason: 'scope_refused' }
    await this.#core.audit.countRefused('client_token', { accountId: id, address }, { detail })
    throw clientFailures.refusal('scope_refused')
  }

  async #confirmOrForget(credentials: ClientCredentials): Promise<AuthenticatedClient> {
    try {
      return await this.#check(credentials)
    } catch (error) {
      // If the client was deleted meanwhile, signing may have made a new secret for it.
      await this.#forgetDeleted(credentials.clientId)
      throw error
    }
  }

  #forgetDeleted(id: string): Promise<void> {
    return this.#core.store.transaction(async (client) => {
      const isDeleted = (await table.lockClient(client, id)) === undefined
      if (isDeleted) await this.#core.keys.forget(id, { client })
    })
  }

  async #record({ id, hash }: AuthenticatedClient, address: string): Promise<void> {
    const { store, audit, clock } = this.#core
    await table.recordClientSecretUse(store, { clientId: id, hash, nowMs: clock.now() })
    await audit.countDone('client_token', { accountId: id, address })
  }
}
