import type { Clock, TenantSecrets } from 'latchkey'
import type { SqlClient, SqlStore } from 'latchkey/sql'
import { AuditChain } from './audit-chain.js'
import { AuditMac } from './audit-mac.js'
import { AuditTrail } from './audit-trail.js'

/** The objects of the audit log. */
export interface AuditDomain {
  readonly audit: AuditTrail
  readonly auditChain: AuditChain
}

/** Opens the audit log under its stored key. */
export async function openAudit(core: {
  readonly store: SqlStore
  readonly keys: TenantSecrets<SqlClient>
  readonly clock: Clock
}): Promise<AuditDomain> {
  // The name of a stored key never changes.
  const mac = await core.keys.storedKey('server:audit-key', (bytes) => new AuditMac(bytes))
  return { audit: new AuditTrail(core, mac), auditChain: new AuditChain(core, mac) }
}
