import type { Clock, TenantSecrets } from 'latchkey'
import type { SqlClient, SqlStore } from 'latchkey/sql'
import type { AuditDetail } from '../audit/audit-detail.js'
import type { AuditEntry, AuditEvent } from '../audit/audit-record.js'
import type { AuditTrail } from '../audit/audit-trail.js'
import { hashClientSecret, MAX_LIVE_SECRETS, newClientSecret } from '../clients/client-secret.js'
import * as table from '../clients/client-table.js'
import { grantsOfClient, storeGrants } from '../grants.js'
import { Problem } from '../problem.js'
import type { Actors } from '../sessions/actors.js'
import { uuidV7 } from '../uuid.js'
import { type Administrator, lockAdministrator } from './administrator.js'
import { type Page, pageOf } from './page.js'

/** What `ClientAdministration` works with. */
export interface ClientAdministrationOptions {
  readonly store: SqlStore
  readonly keys: TenantSecrets<SqlClient>
  readonly actors: Actors
  readonly audit: AuditTrail
  readonly clock: Clock
}

/** A client with what may be known of its secrets. */
export interface DescribedClient extends table.Client {
  readonly secrets: readonly table.ClientSecret[]
}

/** A client whose new secret is shown this once. */
export interface RevealedClient {
  readonly client: DescribedClient
  readonly secret: string
}

/** What an administrator decides about a client. */
export interface ClientInput {
  readonly name: string
  readonly scope: string
  readonly mayIntrospect: boolean
}

/** What is done to a client and its tenant's secret in one transaction. Resolves with the detail of its audit entry, if it has one. */
type Work = (client: SqlClient, found: table.Client) => Promise<AuditDetail | undefined>

/**
 * What administrators do with clients. Everything fails with `client_unknown` when there is no such
 * client, and each change as `lockAdministrator` does.
 */
export class ClientAdministration {
  readonly #options: ClientAdministrationOptions

  constructor(options: ClientAdministrationOptions) {
    this.#options = options
  }

  /** A new client, its tenant's secret and grants and its first client secret, in one transaction. Fails with `grants_too_large`. */
  create(by: Administrator, { name, scope, mayIntrospect }: ClientInput): Promise<RevealedClient> {
    const createdAt = this.#now()
    const id = uuidV7(createdAt)
    return this.#options.store.transaction(async (client) => {
      await lockAdministrator(this.#options, client, by)
      await this.#options.keys.provision(id, { client })
      await storeGrants(client, this.#options.keys, { tenant: id, grants: grantsOfClient({ scope }) })
      await table.insertClient(client, { id, name, scope, mayIntrospect, createdAt, disabledAt: null })
      const secret = await this.#addSecret(client, id)
      await this.#audit(client, by, {
        event: 'client_create',
        account: id,
        detail: { scope, may_introspect: mayIntrospect },
      })
      return { client: await this.#describe(client, id), secret }
    })
  }

  /** Clients, oldest first. */
  async list({ after, limit }: { after: string; limit: number }): Promise<Page<table.Client>> {
    return pageOf(await table.listClients(this.#options.store, { after, limit: limit + 1 }), limit)
  }

  read(id: string): Promise<DescribedClient> {
    return this.#describe(this.#options.store, id)
  }

  /** Changes what is given. A new scope holds at once for the tokens that it has. Fails with `grants_too_large`. */
  change(by: Administrator, id: string, input: Partial<ClientInput>): Promise<DescribedClient> {
    return this.#alter(by, id, 'client_change', async (client, found) => {
      const changed = { ...found, ...input }
      await table.updateClient(client, changed)
      await storeGrants(client, this.#options.keys, { tenant: id, grants: grantsOfClient(changed) })
      return { before: rightsOf(found), after: rightsOf(changed) }
    })
  }

  /**
   * A further client secret. The one that there is holds for `graceSec` more, so that the new one can be brought out and nobody notices; with 0 it has
   * leaked, and ends at once with everything that was got for it. Fails with `client_rotating` while there are two already.
   */
  async rotateSecret(by: Administrator, id: string, graceSec: number): Promise<RevealedClient> {
    return this.#options.store.transaction(async (client) => {
      await lockAdministrator(this.#options, client, by)
      known(await table.lockClient(client, id))
      const nowMs = this.#now()
      const living = await table.listClientSecrets(client, id, nowMs)
      if (graceSec > 0 && living.length >= MAX_LIVE_SECRETS) throw new Problem('client_rotating')
      await table.retireClientSecrets(client, id, { retiresAt: nowMs + graceSec * 1000, nowMs })
      if (graceSec === 0) await this.#options.keys.revoke(id, { client })
      const secret = await this.#addSecret(client, id)
      await this.#audit(client, by, { event: 'client_secret_rotate', account: id, detail: { grace_seconds: graceSec } })
      return { client: await this.#describe(client, id), secret }
    })
  }

  /** A new secret signs the client's tokens; those that it has hold on. Fails with `too_many_rotations`, `tenant_inactive`. */
  rotate(by: Administrator, id: string): Promise<DescribedClient> {
    return this.#alter(by, id, 'secret_rotate', async (client) => {
      await this.#options.keys.rotate(id, { client })
      return undefined
    })
  }

  /** Every token of the client ends; it can get new ones at once. */
  revoke(by: Administrator, id: string): Promise<DescribedClient> {
    return this.#alter(by, id, 'secret_revoke', async (client) => {
      await this.#options.keys.revoke(id, { client })
      return undefined
    })
  }

  /** The client gets no more tokens, and those that it has end. */
  disable(by: Administrator, id: string): Promise<DescribedClient> {
    return this.#alter(by, id, 'client_disable', async (client, found) => {
      await table.updateClient(client, { ...found, disabledAt: found.disabledAt ?? this.#now() })
      await this.#options.keys.disable(id, { client })
      return undefined
    })
  }

  /** The client gets tokens again; nothing that ended comes back. */
  enable(by: Administrator, id: string): Promise<DescribedClient> {
    return this.#alter(by, id, 'client_enable', async (client, found) => {
      await table.updateClient(client, { ...found, disabledAt: null })
      await this.#options.keys.enable(id, { client })
      return undefined
    })
  }

  /** Deletes the client with its secrets; its tokens end. */
  async delete(by: Administrator, id: string): Promise<void> {
    await this.#options.store.transaction(async (client) => {
      await lockAdministrator(this.#options, client, by)
      if (!(await table.deleteClient(client, id))) throw new Problem('client_unknown')
      await this.#options.keys.forget(id, { client })
      await this.#audit(client, by, { event: 'client_delete', account: id })
    })
  }

  /** Locks the author and the client, does the work, logs it, and gives the client as it is then: one transaction. */
  async #alter(by: Administrator, id: string, event: AuditEvent, work: Work): Promise<DescribedClient> {
    return this.#options.store.transaction(async (client) => {
      await lockAdministrator(this.#options, client, by)
      const detail = await work(client, known(await table.lockClient(client, id)))
      await this.#audit(client, by, { event, account: id, detail })
      return this.#describe(client, id)
    })
  }

  async #describe(client: SqlClient, id: string): Promise<DescribedClient> {
    const found = known(await table.findClient(client, id))
    return { ...found, secrets: await table.listClientSecrets(client, id, this.#now()) }
  }

  async #addSecret(client: SqlClient, clientId: string): Promise<string> {
    const secret = newClientSecret()
    const createdAt = this.#now()
    await table.insertClientSecret(client, {
      id: uuidV7(createdAt),
      clientId,
      hash: hashClientSecret(secret),
      createdAt,
    })
    return secret
  }

  #audit(
    client: SqlClient,
    { accountId: actor, sessionId: session, address }: Administrator,
    what: Pick<AuditEntry, 'event' | 'account' | 'detail'>,
  ): Promise<void> {
    return this.#options.audit.append(client, { ...what, outcome: 'done', actor, session, address })
  }

  #now(): number {
    return this.#options.clock.now()
  }
}

function rightsOf({ scope, mayIntrospect, disabledAt }: table.Client): AuditDetail {
  return { scope, may_introspect: mayIntrospect, disabled: disabledAt !== null }
}

function known(found: table.Client | undefined): table.Client {
  if (found === undefined) throw new Problem('client_unknown')
  return found
}
