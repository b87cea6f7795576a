import type { SqlClient } from 'latchkey/sql'

/**
 * An OAuth client that acts on its own behalf. `id` is also its tenant. Times are milliseconds
 * since 1970.
 */
export interface Client {
  readonly id: string
  readonly name: string
  /** The scopes of its tokens, separated by spaces; empty for none. */
  readonly scope: string
  /** Whether it may introspect tokens that it has received (RFC 7662). */
  readonly mayIntrospect: boolean
  readonly createdAt: number
  readonly disabledAt: number | null
}

/** The public facts about a client secret. */
export interface ClientSecret {
  readonly id: string
  readonly createdAt: number
  /** The last use for a token, to within a minute. */
  readonly lastUsedAt: number | null
  /** The time of its end; `null` for the newest one. */
  readonly retiresAt: number | null
}

/** A client with the hashes of its valid secrets. It does not leave `clients/`. */
export interface StoredClient extends Client {
  readonly hashes: readonly string[]
}

type Row = Omit<Client, 'mayIntrospect'> & { readonly mayIntrospect: number }

const columns = `server_clients.id, server_clients.name, server_clients.scope, server_clients.may_introspect as "mayIntrospect",
  server_clients.created_at as "createdAt", server_clients.disabled_at as "disabledAt"`

/** Inserts a client whose tenant exists already. */
export async function insertClient(client: SqlClient, row: Client): Promise<void> {
  await client.query(
    'insert into server_clients (id, name, scope, may_introspect, created_at) values ($1, $2, $3, $4, $5)',
    [row.id, row.name, row.scope, row.mayIntrospect ? 1 : 0, row.createdAt],
  )
}

/** Returns the client with this ID. */
export async function findClient(client: SqlClient, id: string): Promise<Client | undefined> {
  const { rows } = await client.query<Row>(`select ${columns} from server_clients where id = $1`, [id])
  return rows.map(clientOf)[0]
}

/** Returns the client with this ID and the hashes of its secrets that are valid at `nowMs`. */
export async function findStoredClient(
  client: SqlClient,
  id: string,
  nowMs: number,
): Promise<StoredClient | undefined> {
  const { rows } = await client.query<Row & { hash: string | null }>(
    `select ${columns}, s.hash from server_clients left join server_client_secrets s
       on s.client_id = server_clients.id and (s.retires_at is null or s.retires_at > $2)
     where server_clients.id = $1`,
    [id, nowMs],
  )
  const [row] = rows
  if (row === undefined) return undefined
  return { ...clientOf(row), hashes: rows.flatMap(({ hash }) => (hash === null ? [] : [hash])) }
}

/** Returns the client with this ID, locked until the transaction ends. */
export async function lockClient(client: SqlClient, id: string): Promise<Client | undefined> {
  // An update that changes nothing is the only row lock in the SQL of both databases.
  const { rows } = await client.query<Row>(`update server_clients set name = name where id = $1 returning ${columns}`, [
    id,
  ])
  return rows.map(clientOf)[0]
}

/** Returns clients after the ID `after`, oldest first. */
export async function listClients(
  client: SqlClient,
  { after, limit }: { after: string; limit: number },
): Promise<Client[]> {
  const { rows } = await client.query<Row>(`select ${columns} from server_clients where id > $1 order by id limit $2`, [
    after,
    limit,
  ])
  return rows.map(clientOf)
}

/** Writes the changeable columns of a client. */
export async function updateClient(client: SqlClient, changed: Client): Promise<void> {
  await client.query(
    'update server_clients set name = $2, scope = $3, may_introspect = $4, disabled_at = $5 where id = $1',
    [changed.id, changed.name, changed.scope, changed.mayIntrospect ? 1 : 0, changed.disabledAt],
  )
}

/** Deletes a client and its secrets; returns `false` if there is none. */
export async function deleteClient(client: SqlClient, id: string): Promise<boolean> {
  const { rows } = await client.query('delete from server_clients where id = $1 returning id', [id])
  return rows.length === 1
}

/** Inserts a secret that is valid until it is retired. */
export async function insertClientSecret(
  client: SqlClient,
  secret: { readonly id: string; readonly clientId: string; readonly hash: string; readonly createdAt: number },
): Promise<void> {
  await client.query('insert into server_client_secrets (id, client_id, hash, created_at) values ($1, $2, $3, $4)', [
    secret.id,
    secret.clientId,
    secret.hash,
    secret.createdAt,
  ])
}

/** Returns the secrets of the client that are valid at `nowMs`, newest first. */
export async function listClientSecrets(client: SqlClient, clientId: string, nowMs: number): Promise<ClientSecret[]> {
  const { rows } = await client.query<ClientSecret>(
    `select id, created_at as "createdAt", last_used_at as "lastUsedAt", retires_at as "retiresAt"
     from server_client_secrets where client_id = $1 and (retires_at is null or retires_at > $2) order by id desc`,
    [clientId, nowMs],
  )
  return rows
}

/**
 * Ends every secret of the client at `retiresAt`, unless it ends sooner, and deletes those that
 * have ended at `nowMs`.
 */
export async function retireClientSecrets(
  client: SqlClient,
  clientId: string,
  { retiresAt, nowMs }: { retiresAt: number; nowMs: number },
): Promise<void> {
  await client.query(
    `update server_client_secrets set retires_at = $2 where client_id = $1 and (retires_at is null or retires_at > $2)`,
    [clientId, retiresAt],
  )
  await client.query('delete from server_client_secrets where client_id = $1 and retires_at <= $2', [clientId, nowMs])
}

/** The accuracy of the last use, which spares most uses a write. */
const useIntervalMs = 60_000

/** Records the use of the secret with this hash. */
export async function recordClientSecretUse(
  client: SqlClient,
  { clientId, hash, nowMs }: { clientId: string; hash: string; nowMs: number },
): Promise<void> {
  await client.query(
    `update server_client_secrets set last_used_at = $3
     where client_id = $1 and hash = $2 and (last_used_at is null or last_used_at <= $4)`,
    [clientId, hash, nowMs, nowMs - useIntervalMs],
  )
}

function clientOf({ id, name, scope, mayIntrospect, createdAt, disabledAt }: Row): Client {
  return { id, name, scope, mayIntrospect: mayIntrospect === 1, createdAt, disabledAt }
}
