import { type Command, InvalidArgumentError } from 'commander'
import type { ChainPoint } from '../audit/audit-record.js'
import type { AuditFinding, AuditVerdict } from '../audit/verify-audit.js'
import { StartupFailure } from '../startup-failure.js'
import type { CommandContext } from './command-context.js'
import { jsonOption, print } from './terminal/print.js'
import { withService } from './with-service.js'

/** Adds `latchkey audit verify`. It fails with `audit_chain_broken` when an entry was altered. */
export function addVerifyAudit(parent: Command, context: CommandContext): void {
  parent
    .command('verify')
    .description('check whether an entry was changed, removed or moved; prints the head, to be kept for the next check')
    .option('--head <seq:link>', 'a head that an earlier check printed; it must still be in the log', parseHead)
    .option(...jsonOption)
    .action(async (options: { head?: ChainPoint; json?: boolean }) => {
      const verdict = await withService(context, ({ auditChain }) => auditChain.verify(options.head))
      print({ json: verdict, text: describe(verdict) }, options, context)
      if (verdict.findings.length > 0) throw broken()
    })
}

function describe({ entries, unsealed, head, findings }: AuditVerdict): string {
  return [
    ...findings.map(describeFinding),
    `${entries} entries in the chain, ${unsealed} not linked yet.`,
    `head ${head.seq}:${head.link}`,
  ].join('\n')
}

function describeFinding({ fault, seq, id }: AuditFinding): string {
  const where = seq === undefined ? 'not linked yet' : `at ${seq}`
  return `${fault} ${where}${id === undefined ? '' : ` (entry ${id})`}`
}

function parseHead(text: string): ChainPoint {
  const parts = /^([0-9]{1,15}):([\w-]{0,64})$/.exec(text)
  if (parts?.[1] === undefined || parts[2] === undefined) {
    throw new InvalidArgumentError('Give the head as an earlier "latchkey audit verify" printed it, such as 17:Qm9…')
  }
  return { seq: Number(parts[1]), link: parts[2] }
}

function broken(): StartupFailure {
  return new StartupFailure(
    'audit_chain_broken',
    'The audit log was altered.',
    'Keep the database as it is, and compare it with an earlier export or backup.',
  )
}
