import { createHmac } from 'node:crypto'
import { Keyring } from 'latchkey'
import { describe, expect, it } from 'vitest'
import { AuthClient, type Device, password } from './support/auth-client.js'
import {
  createDeployment,
  type Deployment,
  databases,
  openStore,
  runCommand,
  startServer,
} from './support/server-process.js'

/** The real secret of one user, as a thief with the database and the master key, or with a core dump, would have it. */
async function stealSecret(deployment: Deployment, tenant: string): Promise<Buffer> {
  const store = openStore(deployment)
  try {
    const secret = (await store.readTenants([tenant])).get(tenant)?.secrets[0]
    if (secret === undefined) throw new Error('There is no secret to steal.')
    const binding = ['tenant-secret', tenant, secret.kid, secret.generation, secret.algorithm] as const
    return Keyring.parse(deployment.masterKeys).open(secret, binding)
  } finally {
    await store.close()
  }
}

interface Parts {
  readonly header: Record<string, unknown>
  readonly claims: Record<string, unknown>
}

function partsOf(token: string): Parts {
  const [header, claims] = token.split('.', 2).map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()))
  return { header, claims }
}

function forge({ header, claims }: Parts, secret: Buffer): string {
  const input = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
}

describe.each(databases)('with user A’s real secret stolen, on %s (C1)', (database) => {
  it('nothing of user B’s, and nothing of an administrator’s, can be reached on any route', async () => {
    const deployment = await createDeployment(database)
    const server = await startServer(deployment)
    try {
      const client = new AuthClient(server.url)
      await runCommand(deployment, ['admin', 'create', 'root@example.com'], `${password}\n`)
      const root = await client.login('root@example.com')
      const a = await client.register('a@example.com')
      const b = await client.register('b@example.com')
      const secret = await stealSecret(deployment, a.accountId)
      const own = partsOf(a.accessToken)
      expect(await client.whoIs(forge(own, secret)), 'the secret is the real one').toBe(a.accountId)

      for (const victim of [b, root]) {
        for (const token of forgeriesOf(own, victim, secret)) {
          for (const [method, path] of routesOf(victim)) {
            const answer = await client.call(method, path, { token })
            expect(answer.status, `${method} ${path}`).toBe(401)
          }
        }
      }

      const posing = forge({ ...own, claims: { ...own.claims, role: 'admin' } }, secret)
      for (const [method, path] of adminRoutesOf(b)) {
        expect((await client.call(method, path, { token: posing })).status, `${method} ${path}`).toBe(403)
      }
      expect(await client.whoIs(b.accessToken)).toBe(b.accountId)
      expect(await client.whoIs(root.accessToken)).toBe(root.accountId)
    } finally {
      await server.stop()
      await deployment.dispose()
    }
  })
})

/** Everything a thief could try: the victim's name under the stolen kid, under the victim's own, and under none. */
function forgeriesOf(own: Parts, victim: Device, secret: Buffer): string[] {
  const { header, claims } = partsOf(victim.accessToken)
  return [
    forge({ header: own.header, claims }, secret),
    forge({ header, claims }, secret),
    forge({ header: { ...header, kid: undefined }, claims }, secret),
    forge({ header: own.header, claims: { ...own.claims, sub: victim.accountId } }, secret),
    forge({ header: own.header, claims: { ...own.claims, sub: [own.claims.sub, victim.accountId] } }, secret),
  ]
}

function routesOf(victim: Device): [method: string, path: string][] {
  return [
    ['GET', '/v1/me'],
    ['PATCH', '/v1/me'],
    ['DELETE', '/v1/me'],
    ['POST', '/v1/me/password'],
    ['GET', '/v1/me/sessions'],
    ['DELETE', `/v1/me/sessions/${victim.sessionId}`],
    ['POST', '/v1/logout'],
    ['POST', '/v1/logout-all'],
    ...adminRoutesOf(victim),
  ]
}

function adminRoutesOf(victim: Device): [method: string, path: string][] {
  const user = `/v1/admin/users/${victim.accountId}`
  return [
    ['GET', '/v1/admin/users'],
    ['GET', user],
    ['GET', `${user}/secrets`],
    ['GET', `${user}/sessions`],
    ['POST', `${user}/disable`],
    ['POST', `${user}/enable`],
    ['POST', `${user}/rotate`],
    ['POST', `${user}/revoke`],
    ['DELETE', user],
    ['GET', '/v1/admin/audit'],
  ]
}
