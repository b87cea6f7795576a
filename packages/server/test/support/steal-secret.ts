import { createHmac } from 'node:crypto'
import { Keyring } from 'latchkey'
import type { TestServer } from './start-server.js'

/**
 * Returns the account's real secret, which an attacker with the database and the master key has.
 * The key of session IDs is not in the database in plaintext.
 */
export async function stealSecret({ server }: TestServer, account: string): Promise<Buffer> {
  const { store, database } = server.service
  const secret = (await store.readTenants([account])).get(account)?.secrets[0]
  if (secret === undefined) throw new Error('There is no secret to steal.')
  const binding = ['tenant-secret', account, secret.kid, secret.generation, secret.algorithm] as const
  return Keyring.parse(database.masterKeys).open(secret, binding)
}

/** Returns the token with these claims, signed with the stolen secret. */
export function forgeClaims(token: string, secret: Buffer, claims: object): string {
  const [header, payload = ''] = token.split('.')
  const genuine = JSON.parse(Buffer.from(payload, 'base64url').toString())
  const input = `${header}.${Buffer.from(JSON.stringify({ ...genuine, ...claims })).toString('base64url')}`
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
}
