import { auditEvents, auditOutcomes } from '../../audit/audit-record.js'
import type { AuditFilter } from '../../audit/read-audit.js'
import { Type } from '../../http/type.js'
import { momentOf } from '../moment.js'
import { IdInput } from '../schemas.js'

/** The filter of the audit log in a query. An entry must match every parameter. */
export const auditFilterQuery = {
  account: Type.Optional({ ...IdInput, description: 'Only entries about this account.' }),
  actor: Type.Optional(
    Type.String({
      maxLength: 64,
      description: 'Only entries of this actor: an account, or "cli" for the operator.',
    }),
  ),
  session: Type.Optional({ ...IdInput, description: 'Only entries about this session.' }),
  address: Type.Optional(Type.String({ maxLength: 64, description: 'Only entries with this address.' })),
  event: Type.Optional(Type.Enum([...auditEvents])),
  outcome: Type.Optional(Type.Enum([...auditOutcomes])),
  since: Type.Optional(Type.String({ format: 'date-time', description: 'Only entries at or after this time.' })),
  until: Type.Optional(Type.String({ format: 'date-time', description: 'Only entries before this time.' })),
}

type FilterQuery = Omit<AuditFilter, 'since' | 'until'> & {
  readonly since?: string | undefined
  readonly until?: string | undefined
}

/** Returns the filter of a query. Throws `validation_failed`. */
export function auditFilterOf({ since, until, ...filter }: FilterQuery): AuditFilter {
  return { ...filter, since: momentOf(since), until: momentOf(until) }
}
