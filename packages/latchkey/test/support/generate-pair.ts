import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'

/** Options of `generateKeyPairSync` that depend on the type of the key. */
interface PairOptions {
  readonly modulusLength?: number
  readonly namedCurve?: string
}

/**
 * Returns a new key pair, whose halves were exported and parsed again.
 *
 * Node 20 can block for ever while it reads the details of a key that `generateKeyPairSync` has
 * returned: a garbage collection meanwhile deletes the job that made the key, which needs a lock
 * that the same thread holds.
 */
export function generatePair(
  type: 'rsa' | 'rsa-pss' | 'ec' | 'ed25519' | 'ed448' | 'x25519',
  options: PairOptions = {},
): { readonly privateKey: KeyObject; readonly publicKey: KeyObject } {
  const pair = generateKeyPairSync(type as 'ec', options as { namedCurve: string })
  const privateDer = pair.privateKey.export({ type: 'pkcs8', format: 'der' })
  const publicDer = pair.publicKey.export({ type: 'spki', format: 'der' })
  return {
    privateKey: createPrivateKey({ key: privateDer, type: 'pkcs8', format: 'der' }),
    publicKey: createPublicKey({ key: publicDer, type: 'spki', format: 'der' }),
  }
}
