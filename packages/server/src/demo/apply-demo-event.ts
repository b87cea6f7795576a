import { randomBytes } from 'node:crypto'
import type { SqlClient } from 'latchkey/sql'
import { operator } from '../audit/operator.js'
import { insertFactor } from '../factors/factor-table.js'
import { encodePasskeyData } from '../factors/passkey-data.js'
import { replaceRecoveryCodes } from '../factors/recovery-codes.js'
import type { Service } from '../service.js'
import { uuidV7 } from '../uuid.js'
import type { DemoEvent } from './demo-history.js'

type Apply = (service: Service, client: SqlClient, event: DemoEvent) => Promise<void>

/** Changes the database as the event did, with its entry in the audit log. */
export const applyDemoEvent: Apply = (service, client, event) => effects[event.kind](service, client, event)

const effects: Readonly<Record<DemoEvent['kind'], Apply>> = {
  session: openSession,
  refused: refuseSignIn,
  rotate: rotateSecret,
  revoke: revokeSecrets,
  factor: addFactor,
  disable: disableAccount,
}

async function openSession(
  { sessions, audit, clock }: Service,
  client: SqlClient,
  { person, origin, lastUsedAt, isEnded }: DemoEvent,
): Promise<void> {
  const actor = { accountId: person.id, address: origin.address }
  const session = await sessions.open(client, person.id, { origin, methods: ['pwd'] })
  await audit.done(client, 'login', { ...actor, sessionId: session.id })
  await client.query('update server_accounts set signed_in_at = $2 where id = $1', [person.id, clock.now()])
  await client.query('update server_sessions set last_used_at = $2, rotated_at = $2, counter = 2 where id = $1', [
    session.id,
    lastUsedAt,
  ])
  if (!isEnded) return
  await sessions.end(client, session, 'logout')
  await audit.done(client, 'logout', { ...actor, sessionId: session.id })
}

async function refuseSignIn({ audit }: Service, client: SqlClient, { person, origin }: DemoEvent): Promise<void> {
  const actor = { accountId: null, address: origin.address }
  await audit.refused(client, 'login', actor, { account: person.id, detail: { reason: 'invalid_credentials' } })
}

async function rotateSecret({ keys, audit }: Service, client: SqlClient, { person }: DemoEvent): Promise<void> {
  await keys.rotate(person.id, { client })
  await audit.done(client, 'secret_rotate', operator, { account: person.id })
}

async function revokeSecrets(
  { sessions, keys, audit }: Service,
  client: SqlClient,
  { person }: DemoEvent,
): Promise<void> {
  await sessions.endAll(client, person.id, 'ended_by_admin')
  await keys.revoke(person.id, { client })
  await audit.done(client, 'secret_revoke', operator, { account: person.id })
}

const passkey = {
  counter: 0,
  transports: ['internal'],
  deviceType: 'multi',
  backedUp: true,
  aaguid: '00000000-0000-0000-0000-000000000000',
} as const

/** Adds a passkey that no authenticator holds. */
async function addFactor(
  { audit, clock }: Service,
  client: SqlClient,
  { person, origin, lastUsedAt }: DemoEvent,
): Promise<void> {
  const createdAt = clock.now()
  const id = uuidV7(createdAt)
  const actor = { accountId: person.id, address: origin.address }
  await insertFactor(client, {
    id,
    accountId: person.id,
    kind: 'passkey',
    name: 'Passkey',
    credentialId: randomBytes(32).toString('base64url'),
    data: encodePasskeyData({ ...passkey, publicKey: randomBytes(77).toString('base64url') }),
    createdAt,
    confirmedAt: createdAt,
    lastUsedAt,
  })
  await replaceRecoveryCodes(client, person.id)
  await audit.done(client, 'factor_add', actor, { detail: { factor: id, kind: 'passkey' } })
}

async function disableAccount(
  { sessions, keys, audit, clock }: Service,
  client: SqlClient,
  { person }: DemoEvent,
): Promise<void> {
  await client.query('update server_accounts set disabled_at = $2 where id = $1', [person.id, clock.now()])
  await sessions.endAll(client, person.id, 'disabled')
  await keys.disable(person.id, { client })
  await audit.done(client, 'account_disable', operator, { account: person.id })
}
