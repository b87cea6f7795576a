import { createHmac } from 'node:crypto'
import { Keyring } from '../../src/sealing/keyring.js'
import type { Setup } from './setup.js'

/**
 * Returns the token with other claims, signed as an attacker with the secret of its tenant would.
 */
export async function forgeWithSecret(
  { store, masterKeys }: Pick<Setup, 'store' | 'masterKeys'>,
  token: string,
  claims: object,
): Promise<string> {
  const [header, payload = ''] = token.split('.')
  const genuine = JSON.parse(Buffer.from(payload, 'base64url').toString())
  const tenant: string = genuine.sub
  const secret = (await store.readTenants([tenant])).get(tenant)?.secrets.find(({ retiresAt }) => retiresAt === null)
  if (secret === undefined) throw new Error('The tenant has no secret to steal.')
  const binding = ['tenant-secret', tenant, secret.kid, secret.generation, secret.algorithm] as const
  const input = `${header}.${Buffer.from(JSON.stringify({ ...genuine, ...claims })).toString('base64url')}`
  const bytes = Keyring.parse(masterKeys).open(secret, binding)
  return `${input}.${createHmac('sha256', bytes).update(input).digest('base64url')}`
}
