import type { Clock, TenantSecrets } from 'latchkey'
import type { SqlClient, SqlStore } from 'latchkey/sql'
import type { AuditTrail } from './audit/audit-trail.js'

/** The parts that every domain of the server uses. */
export interface Core {
  readonly store: SqlStore
  readonly keys: TenantSecrets<SqlClient>
  readonly audit: AuditTrail
  readonly clock: Clock
}
