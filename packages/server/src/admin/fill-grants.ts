import type { GrantsInput } from 'latchkey'
import type { SqlClient } from 'latchkey/sql'
import { lockAccount } from '../accounts/account-table.js'
import { lockClient } from '../clients/client-table.js'
import type { Core } from '../core.js'
import { grantsOfAccount, grantsOfClient, storeGrants } from '../grants.js'
import { isProblem } from '../problem.js'

/** The number of tenants whose grants were stored, and of those whose grants are too large. */
export interface FilledGrants {
  readonly filled: number
  readonly tooLarge: number
}

const batchSize = 500
const withoutGrants = 'exists (select 1 from latchkey_tenants t where t.tenant_id = id and t.grants_key_id is null)'

const selectAccounts = `
  select id from server_accounts
  where (role <> 'user' or roles <> '' or scope <> '') and id > $1 and ${withoutGrants} order by id limit ${batchSize}`

const selectClients = `select id from server_clients where id > $1 and ${withoutGrants} order by id limit ${batchSize}`

/**
 * Stores the grants of accounts and clients that were created by a version without stored grants.
 * Until then such a tenant has no rights. Each tenant is a transaction of its own, so that several
 * servers may run this at once, and a stopped run continues at the next start.
 */
export async function fillGrants({ store, keys }: Pick<Core, 'store' | 'keys'>): Promise<FilledGrants> {
  const tally = { filled: 0, tooLarge: 0 }
  const fill = async (id: string, grantsIn: (client: SqlClient) => Promise<GrantsInput | undefined>) => {
    try {
      await store.transaction(async (client) => {
        const grants = await grantsIn(client)
        if (grants !== undefined) await storeGrants(client, keys, { tenant: id, grants })
      })
      tally.filled += 1
    } catch (error) {
      if (!(isProblem(error) && error.code === 'grants_too_large')) throw error
      tally.tooLarge += 1
    }
  }
  for await (const id of idsOf(store, selectAccounts)) {
    await fill(id, async (client) => {
      const account = await lockAccount(client, id)
      return account && grantsOfAccount(account)
    })
  }
  for await (const id of idsOf(store, selectClients)) {
    await fill(id, async (client) => {
      const found = await lockClient(client, id)
      return found && grantsOfClient(found)
    })
  }
  return tally
}

async function* idsOf(store: SqlClient, select: string): AsyncGenerator<string> {
  for (let after = ''; ; ) {
    const { rows } = await store.query<{ id: string }>(select, [after])
    const last = rows.at(-1)
    if (last === undefined) return
    yield* rows.map(({ id }) => id)
    after = last.id
  }
}
