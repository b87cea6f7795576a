import type { RotatingKeyPairSource } from 'latchkey'
import type { SqlStore } from 'latchkey/sql'
import type { AuditTrail } from '../audit/audit-trail.js'

interface RotationParts {
  readonly store: SqlStore
  readonly serviceKeys: RotatingKeyPairSource
  readonly audit: AuditTrail
}

/**
 * Rotates the key pair that signs tokens for other services, for the operator. The entry in the
 * audit log is written first, so that a crash cannot hide a rotation.
 */
export async function rotateServiceKeys({ store, serviceKeys, audit }: RotationParts): Promise<void> {
  await audit.append(store, {
    event: 'service_key_rotate',
    outcome: 'done',
    actor: 'cli',
    account: null,
    address: null,
  })
  await serviceKeys.rotate()
}
