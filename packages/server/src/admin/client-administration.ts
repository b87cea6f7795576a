import type { SqlClient } from 'latchkey/sql'
import type { AuditDetail } from '../audit/audit-detail.js'
import type { AuditEvent } from '../audit/audit-record.js'
import { hashClientSecret, MAX_LIVE_SECRETS, newClientSecret } from '../clients/client-secret.js'
import * as table from '../clients/client-table.js'
import { clientFailures } from '../clients/failures.js'
import type { Core } from '../core.js'
import { grantsOfClient, storeGrants } from '../grants.js'
import { uuidV7 } from '../uuid.js'
import type { Administrator, AdministratorRights } from './administrator.js'
import { type Page, pageOf } from './page.js'

/** A client with the dates of its secrets. */
export interface DescribedClient extends table.Client {
  readonly secrets: readonly table.ClientSecret[]
}

/** A client with its new secret, which is shown only once. */
export interface RevealedClient {
  readonly client: DescribedClient
  readonly secret: string
}

/** The settings of a client. */
export interface ClientInput {
  readonly name: string
  readonly scope: string
  readonly mayIntrospect: boolean
}

/**
 * A change of a client and its tenant in one transaction. Returns the detail of its audit entry, if
 * any.
 */
type Work = (client: SqlClient, found: table.Client) => Promise<AuditDetail | undefined>

/**
 * Administration of clients. Every method throws `client_unknown` if there is no such client.
 * Methods that take an administrator throw as `AdministratorRights.lock` does.
 */
export class ClientAdministration {
  readonly #core: Core
  readonly #rights: AdministratorRights

  constructor(core: Core, { rights }: { readonly rights: AdministratorRights }) {
    this.#core = core
    this.#rights = rights
  }

  /**
   * Creates a client with its tenant and a client secret in one transaction. Throws
   * `grants_too_large`.
   */
  create(by: Administrator, { name, scope, mayIntrospect }: ClientInput): Promise<RevealedClient> {
    const createdAt = this.#now()
    const id = uuidV7(createdAt)
    return this.#core.store.transaction(async (client) => {
      await this.#rights.lock(client, by)
      await this.#core.keys.provision(id, { client })
      await storeGrants(client, this.#core.keys, { tenant: id, grants: grantsOfClient({ scope }) })
      await table.insertClient(client, { id, name, scope, mayIntrospect, createdAt, disabledAt: null })
      const secret = await this.#addSecret(client, id)
      const detail = { scope, may_introspect: mayIntrospect }
      await this.#core.audit.done(client, 'client_create', by, { account: id, detail })
      return { client: await this.#describe(client, id), secret }
    })
  }

  /** Returns clients, oldest first. */
  async list({ after, limit }: { after: string; limit: number }): Promise<Page<table.Client>> {
    return pageOf(await table.listClients(this.#core.store, { after, limit: limit + 1 }), limit)
  }

  read(id: string): Promise<DescribedClient> {
    return this.#describe(this.#core.store, id)
  }

  /**
   * Changes the given settings. A new scope applies at once to existing tokens. Throws
   * `grants_too_large`.
   */
  change(by: Administrator, id: string, input: Partial<ClientInput>): Promise<DescribedClient> {
    return this.#alter(by, id, 'client_change', async (client, found) => {
      const changed = { ...found, ...input }
      await table.updateClient(client, changed)
      await storeGrants(client, this.#core.keys, { tenant: id, grants: grantsOfClient(changed) })
      return { before: rightsOf(found), after: rightsOf(changed) }
    })
  }

  /**
   * Adds a client secret. The current secret stays valid for `graceSec`, so that the new one can be
   * deployed without downtime. With 0, as after a leak, it ends at once with every token of the
   * client.
   *
   * @throws Problem `client_rotating` if two are valid already
   */
  async rotateSecret(by: Administrator, id: string, graceSec: number): Promise<RevealedClient> {
    return this.#core.store.transaction(async (client) => {
      await this.#rights.lock(client, by)
      known(await table.lockClient(client, id))
      const nowMs = this.#now()
      const live = await table.listClientSecrets(client, id, nowMs)
      if (graceSec > 0 && live.length >= MAX_LIVE_SECRETS) throw clientFailures.refusal('client_rotating')
      await table.retireClientSecrets(client, id, { retiresAt: nowMs + graceSec * 1000, nowMs })
      if (graceSec === 0) await this.#core.keys.revoke(id, { client })
      const secret = await this.#addSecret(client, id)
      const detail = { grace_seconds: graceSec }
      await this.#core.audit.done(client, 'client_secret_rotate', by, { account: id, detail })
      return { client: await this.#describe(client, id), secret }
    })
  }

  /**
   * Rotates the tenant's secret; tokens stay valid. Throws `too_many_rotations`, `tenant_inactive`.
   */
  rotate(by: Administrator, id: string): Promise<DescribedClient> {
    return this.#alter(by, id, 'secret_rotate', async (client) => {
      await this.#core.keys.rotate(id, { client })
      return undefined
    })
  }

  /** Ends every token of the client, which can request new ones at once. */
  revoke(by: Administrator, id: string): Promise<DescribedClient> {
    return this.#alter(by, id, 'secret_revoke', async (client) => {
      await this.#core.keys.revoke(id, { client })
      return undefined
    })
  }

  /** Disables the client and ends its tokens. */
  disable(by: Administrator, id: string): Promise<DescribedClient> {
    return this.#alter(by, id, 'client_disable', async (client, found) => {
      await table.updateClient(client, { ...found, disabledAt: found.disabledAt ?? this.#now() })
      await this.#core.keys.disable(id, { client })
      return undefined
    })
  }

  /** Enables the client; tokens that ended stay ended. */
  enable(by: Administrator, id: string): Promise<DescribedClient> {
    return this.#alter(by, id, 'client_enable', async (client, found) => {
      await table.updateClient(client, { ...found, disabledAt: null })
      await this.#core.keys.enable(id, { client })
      return undefined
    })
  }

  /** Deletes the client with its secrets, and ends its tokens. */
  async delete(by: Administrator, id: string): Promise<void> {
    await this.#core.store.transaction(async (client) => {
      await this.#rights.lock(client, by)
      if (!(await table.deleteClient(client, id))) throw clientFailures.refusal('client_unknown')
      await this.#core.keys.forget(id, { client })
      await this.#core.audit.done(client, 'client_delete', by, { account: id })
    })
  }

  /**
   * Locks the administrator and the client, makes and records the change, and returns the changed
   * client.
   */
  async #alter(by: Administrator, id: string, event: AuditEvent, work: Work): Promise<DescribedClient> {
    return this.#core.store.transaction(async (client) => {
      await this.#rights.lock(client, by)
      const detail = await work(client, known(await table.lockClient(client, id)))
      await this.#core.audit.done(client, event, by, { account: id, detail })
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

  #now(): number {
    return this.#core.clock.now()
  }
}

function rightsOf({ scope, mayIntrospect, disabledAt }: table.Client): AuditDetail {
  return { scope, may_introspect: mayIntrospect, disabled: disabledAt !== null }
}

function known(found: table.Client | undefined): table.Client {
  if (found === undefined) throw clientFailures.refusal('client_unknown')
  return found
}
