import { Command } from 'commander'
import { createAdmin } from './create-admin.js'
import { type ExportAuditCommand, exportAuditLog } from './export-audit.js'
import { addMasterKey, dropMasterKey, wrapMasterKeys } from './master-keys.js'
import { migrate } from './migrate.js'
import { reportFailure } from './report-failure.js'
import { serve } from './serve.js'
import type { Surroundings } from './surroundings.js'
import { type VerifyAuditCommand, verifyAuditLog } from './verify-audit.js'

/** Runs the command line `latchkey …`. Failures are told on standard error, with a code and a hint, and make the exit code. */
export async function main(surroundings: Surroundings): Promise<void> {
  // Whatever is made from here on holds secrets or hashes.
  surroundings.umask(0o077)
  const program = new Command('latchkey')
    .description(
      'Accounts and access tokens with a signing secret for every user. Configured by environment variables.',
    )
    .showHelpAfterError()
  program
    .command('serve')
    .description('run the auth API')
    .action(() => serve(surroundings))
  program
    .command('migrate')
    .description('bring the database up to this version, and end')
    .action(() => migrate(surroundings))
  program
    .command('admin')
    .description('administrators')
    .command('create')
    .argument('<email>', 'e-mail address of the account; an existing one becomes an administrator')
    .description('make an administrator; asks for the password, or reads it from standard input')
    .action((email: string) => createAdmin(email, surroundings))
  const masterKeys = program
    .command('master-keys')
    .description('the keys that encrypt secrets at rest; these commands print a new ring and change nothing')
  masterKeys
    .command('add')
    .argument('<id>', 'ID of the new key')
    .description('the ring with a new key in front, or a first one; wrapped if LATCHKEY_KMS_KEY is set')
    .action((id: string) => addMasterKey(id, surroundings))
  masterKeys
    .command('drop')
    .argument('<id>', 'ID of an older key')
    .description('the ring without a key that nothing is encrypted under any more')
    .action((id: string) => dropMasterKey(id, surroundings))
  masterKeys
    .command('wrap')
    .description('the ring encrypted under LATCHKEY_KMS_KEY')
    .action(() => wrapMasterKeys(surroundings))
  const audit = program.command('audit').description('the log of security events')
  audit
    .command('verify')
    .description('find out whether an entry was changed, removed or moved; tells the head to keep for the next time')
    .option('--head <seq:link>', 'a head told earlier, which must be in the log')
    .option('--json', 'print the verdict as JSON')
    .action((options: VerifyAuditCommand) => verifyAuditLog(options, surroundings))
  audit
    .command('export')
    .description('print the log as JSON lines, oldest first')
    .option('--since <time>', 'only what happened at this time or later')
    .option('--until <time>', 'only what happened before this time')
    .action((options: ExportAuditCommand) => exportAuditLog(options, surroundings))
  try {
    await program.parseAsync(surroundings.argv)
  } catch (error) {
    surroundings.exitCode = reportFailure(error, surroundings.stderr)
  }
}
