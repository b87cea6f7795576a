import { randomUUID } from 'node:crypto'
import { insertFactor } from '../../src/factors/factor-table.js'
import type { Acting } from '../../src/sessions/actors.js'
import type { AuthMethod } from '../../src/sessions/auth-methods.js'
import type { Person } from './people.js'
import type { TestServer } from './start-server.js'

const origin = { address: '127.0.0.1', userAgent: null }

/** Adds a confirmed second factor to the account, without a secret. */
export async function addSecondFactor({ server }: TestServer, accountId: string): Promise<void> {
  const { store, clock } = server.service
  const factor = { id: randomUUID(), accountId, kind: 'totp', name: 'App', credentialId: null, data: '{}' } as const
  const nowMs = clock.now()
  await store.transaction((client) =>
    insertFactor(client, { ...factor, createdAt: nowMs, confirmedAt: nowMs, lastUsedAt: null }),
  )
}

/** Opens another session of the account, whose owner has used these methods. */
export async function openSession(
  { server }: TestServer,
  { id, email }: Person,
  methods: readonly AuthMethod[] = ['pwd', 'otp', 'mfa'],
): Promise<Person> {
  const { store, sessions } = server.service
  const session = await store.transaction((client) => sessions.open(client, id, { origin, methods }))
  const tokens = await sessions.tokensFor(session)
  return { id, email, token: tokens.accessToken, refreshToken: tokens.refreshToken, sessionId: tokens.sessionId }
}

/** Returns the account, the session and the key of a token. */
export async function actingAs({ server }: TestServer, { token }: Pick<Person, 'token'>): Promise<Acting> {
  const { subject, sessionId, kid } = await server.service.latchkey.verify(token)
  return { accountId: subject, sessionId: sessionId ?? '', keyId: kid }
}
