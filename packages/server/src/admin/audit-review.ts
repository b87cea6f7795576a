import type { AuditChain } from '../audit/audit-chain.js'
import { type AuditFormat, auditChunks } from '../audit/audit-lines.js'
import type { ChainPoint } from '../audit/audit-record.js'
import { exportAudit } from '../audit/export-audit.js'
import type { AuditFilter } from '../audit/read-audit.js'
import type { AuditPartVerdict } from '../audit/verify-audit.js'
import type { Core } from '../core.js'
import type { ActingAdministrator } from './administrator.js'

/** Entries that one call verifies: about 100 ms. */
const partSize = 5000

/** Verification and export of the audit log by administrators, who passed the guards. */
export class AuditReview {
  readonly #core: Pick<Core, 'store' | 'audit'>
  readonly #chain: Pick<AuditChain, 'verifyPart'>

  constructor(
    core: Pick<Core, 'store' | 'audit'>,
    { auditChain }: { readonly auditChain: Pick<AuditChain, 'verifyPart'> },
  ) {
    this.#core = core
    this.#chain = auditChain
  }

  /**
   * Verifies the part of the log after a place. The last part is recorded in the log, with the
   * number of findings of this part.
   */
  async verify(by: ActingAdministrator, after: ChainPoint | undefined): Promise<AuditPartVerdict> {
    const { store, audit } = this.#core
    const verdict = await this.#chain.verifyPart(after, partSize)
    const { last, isDone, findings } = verdict
    const detail = { findings: findings.length, seq: last.seq }
    if (findings.length > 0) await audit.refused(store, 'audit_verify', by, { account: null, detail })
    else if (isDone) await audit.done(store, 'audit_verify', by, { account: null, detail })
    return verdict
  }

  /**
   * Records an export, and returns the entries as text, read while they are sent, so that an export
   * of any length needs little memory.
   */
  async export(by: ActingAdministrator, filter: AuditFilter, format: AuditFormat): Promise<AsyncGenerator<string>> {
    const { store, audit } = this.#core
    const given = Object.entries(filter).filter(([, value]) => value !== undefined)
    const detail = { format, filter: Object.fromEntries(given) }
    await audit.done(store, 'audit_export', by, { account: null, detail })
    return auditChunks(exportAudit(store, filter), format)
  }
}
