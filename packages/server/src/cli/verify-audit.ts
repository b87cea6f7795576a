import type { ChainPoint } from '../audit/audit-record.js'
import type { AuditFinding, AuditVerdict } from '../audit/verify-audit.js'
import { readConfiguration } from '../config/configuration.js'
import { openService } from '../service.js'
import { StartupFailure } from '../startup-failure.js'
import type { Surroundings } from './surroundings.js'

/** Options of `latchkey audit verify`. */
export interface VerifyAuditCommand {
  /** `seq:link`, as an earlier run has told it. */
  readonly head?: string
  readonly json?: boolean
}

/** `latchkey audit verify`: reads the whole audit log beside a running server. Fails with `audit_chain_broken` when it is not as it was written. */
export async function verifyAuditLog({ head, json }: VerifyAuditCommand, { env, stdout }: Surroundings): Promise<void> {
  const configuration = readConfiguration(env)
  const expected = head === undefined ? undefined : parseHead(head)
  const service = await openService(configuration)
  try {
    const verdict = await service.auditChain.verify(expected)
    stdout.write(json === true ? `${JSON.stringify(verdict)}\n` : describe(verdict))
    if (verdict.findings.length > 0) throw broken()
  } finally {
    await service.close()
  }
}

function describe({ entries, unsealed, head, findings }: AuditVerdict): string {
  return [
    ...findings.map(describeFinding),
    `${entries} entries in the chain, ${unsealed} not linked yet.`,
    `head ${head.seq}:${head.link}`,
    '',
  ].join('\n')
}

function describeFinding({ fault, seq, id }: AuditFinding): string {
  const where = seq === undefined ? 'not linked yet' : `at ${seq}`
  return `${fault} ${where}${id === undefined ? '' : ` (entry ${id})`}`
}

function parseHead(text: string): ChainPoint {
  const parts = /^([0-9]{1,15}):([\w-]{0,64})$/.exec(text)
  if (parts?.[1] === undefined || parts[2] === undefined) {
    const hint = 'Give the head as an earlier "latchkey audit verify" has told it, such as 17:Qm9…'
    throw new StartupFailure('command_refused', 'This is no head of an audit log.', hint)
  }
  return { seq: Number(parts[1]), link: parts[2] }
}

function broken(): StartupFailure {
  return new StartupFailure(
    'audit_chain_broken',
    'The audit log is not as it was written.',
    'Keep the database as it is, and compare it with an export or a backup from before.',
  )
}
