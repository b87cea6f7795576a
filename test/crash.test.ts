import { setTimeout as wait } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { AuthClient, password } from './support/auth-client.js'
import { createDeployment, databases, openStore, startServer } from './support/server-process.js'

const newPassword = 'a different password altogether'
const crashes = 3
/** Allows more requests than the default for one address. */
const manyRequests = { LATCHKEY_LIMIT_REGISTER: 'address:100000/60', LATCHKEY_LIMIT_LOGIN: 'address:100000/60' }

/**
 * The acknowledged requests of clients, and their requests without an answer when the server was
 * killed.
 */
interface Ledger {
  readonly registered: Map<string, string>
  readonly changed: Set<string>
}

/** Registers and changes passwords one after another until the server is down. */
async function keepBusy(client: AuthClient, name: string, ledger: Ledger): Promise<void> {
  for (let count = 0; ; count += 1) {
    const email = `${name}-${count}@example.com`
    try {
      const device = await client.register(email)
      ledger.registered.set(email, device.accessToken)
      const { status } = await client.call('POST', '/v1/me/password', {
        token: device.accessToken,
        body: { current_password: password, new_password: newPassword },
      })
      if (status === 200) ledger.changed.add(email)
    } catch {
      return
    }
  }
}

describe.each(databases)('a server that is killed during registrations and password changes, on %s', (database) => {
  it('keeps every acknowledged change completely, and no account without a secret', async () => {
    const deployment = await createDeployment(database, manyRequests)
    const ledger: Ledger = { registered: new Map(), changed: new Set() }
    try {
      for (let crash = 0; crash < crashes; crash += 1) {
        const server = await startServer(deployment)
        const client = new AuthClient(server.url)
        const busy = [1, 2, 3, 4].map((worker) => keepBusy(client, `user-${crash}-${worker}`, ledger))
        const before = ledger.changed.size
        await wait(700 + 211 * crash)
        while (ledger.changed.size === before) await wait(20)
        await server.kill()
        await Promise.all(busy)
      }
      expect(ledger.changed.size).toBeGreaterThan(0)

      const server = await startServer(deployment)
      try {
        const client = new AuthClient(server.url)
        for (const [email, tokenFromBefore] of ledger.registered) {
          const now = await signIn(client, email)
          if (ledger.changed.has(email)) expect(now, email).toBe('new password')
          // A password change happens completely or not at all: the old tokens have ended exactly
          // when the password is new.
          const old = await client.whoIs(tokenFromBefore)
          if (now === 'new password') expect(old, email).toBe('token_revoked')
          else expect(old, email).not.toMatch(/revoked|unavailable/)
        }
      } finally {
        await server.stop()
      }

      const store = openStore(deployment)
      try {
        const bare = await store.query(
          `select accounts.id from server_accounts accounts left join latchkey_secrets on latchkey_secrets.tenant_id = accounts.id
           where latchkey_secrets.kid is null and accounts.disabled_at is null`,
        )
        expect(bare.rows).toEqual([])
        const ownerless = await store.query(
          'select tenant_id from latchkey_tenants where tenant_id not in (select id from server_accounts)',
        )
        expect(ownerless.rows).toEqual([])
      } finally {
        await store.close()
      }
    } finally {
      await deployment.dispose()
    }
  })
})

async function signIn(client: AuthClient, email: string): Promise<'old password' | 'new password'> {
  for (const [secret, answer] of [
    [newPassword, 'new password'],
    [password, 'old password'],
  ] as const) {
    const { status } = await client.call('POST', '/v1/login', { body: { email, password: secret } })
    if (status === 200) return answer
    expect(status).toBe(401)
  }
  throw new Error(`${email} was acknowledged and is gone.`)
}
