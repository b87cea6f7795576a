import { type Command, InvalidArgumentError } from 'commander'
import type { ChainPoint } from '../audit/audit-record.js'
import type { AuditFinding, AuditVerdict } from '../audit/verify-audit.js'
import { StartupFailure } from '../startup-failure.js'
import type { CommandContext } from './command-context.js'
import { jsonOption, print } from './terminal/print.js'
import { withService } from './with-service.js'

/** `latchkey audit verify`: reads the whole audit log beside a running server. Fails with `audit_chain_broken` when it is not as it was written. */
export function addVerifyAudit(parent: Command, context: CommandContext): void {
  parent
    .command('verify')
    .description('find out whether an entry was changed, removed or moved; tells the head to keep for the next time')
    .option('--head <seq:link>', 'a head told earlier, which must be in the log', parseHead)
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
    throw new InvalidArgumentError('Give the head as an earlier "latchkey audit verify" has told it, such as 17:Qm9…')
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
