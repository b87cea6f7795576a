import type { RotatingKeyPairSource } from 'latchkey'
import { operator } from '../audit/operator.js'
import type { Core } from '../core.js'

/**
 * Rotates the key pair that signs tokens for other services. The audit entry is written first, so
 * that a crash cannot hide a rotation.
 */
export async function rotateServiceKeys({
  store,
  audit,
  serviceKeys,
}: Pick<Core, 'store' | 'audit'> & { readonly serviceKeys: RotatingKeyPairSource }): Promise<void> {
  await audit.done(store, 'service_key_rotate', operator, { account: null })
  await serviceKeys.rotate()
}
