import { Command } from 'commander'
import { serverVersion } from '../version.js'
import { addBackup } from './backup.js'
import type { CommandContext } from './command-context.js'
import { addCreateAdmin } from './create-admin.js'
import { addCreateUser } from './create-user.js'
import { addDoctor } from './doctor/doctor.js'
import { addExportAudit } from './export-audit.js'
import { addImportUsers } from './import-users.js'
import { addInspectToken } from './inspect-token.js'
import { addInviteUser } from './invite-user.js'
import { addListSecrets } from './list-secrets.js'
import { addListUsers } from './list-users.js'
import { addMasterKeys } from './master-keys.js'
import { addMigrate } from './migrate.js'
import { addRecordBackup } from './record-backup.js'
import { addReplaceKeys } from './replace-keys.js'
import { addResetLink } from './reset-link.js'
import { addRestore } from './restore.js'
import { addRevokeSecrets } from './revoke-secrets.js'
import { addRewrap } from './rewrap.js'
import { addRotateAll } from './rotate-all.js'
import { addRotateSecret } from './rotate-secret.js'
import { addServe } from './serve.js'
import { addUserActions } from './user-actions.js'
import { addVerifyAudit } from './verify-audit.js'

/** Every command with its arguments and options; the reference in docs/cli.md is made from it. */
export function createProgram(context: CommandContext): Command {
  const { stdout, stderr } = context
  const program = new Command('latchkey')
    .description(
      'Accounts and access tokens with a signing secret for every user. Configured by environment variables.',
    )
    .version(serverVersion(), '--version', 'print the version')
    .showHelpAfterError('(add --help for what it takes)')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
      outputError: (text, write) => write(text.replace(/^error: /, 'latchkey: usage_invalid: ')),
    })
  addServe(program, context)
  addMigrate(program, context)
  addCreateAdmin(program.command('admin').description('administrators'), context)
  addMasterKeys(program, context)
  const users = program.command('users').description('accounts')
  addListUsers(users, context)
  addCreateUser(users, context)
  addImportUsers(users, context)
  addInviteUser(users, context)
  addUserActions(users, context)
  addResetLink(users, context)
  const secrets = program.command('secrets').description('the secrets that sign tokens')
  addListSecrets(secrets, context)
  addRotateSecret(secrets, context)
  addRevokeSecrets(secrets, context)
  addRotateAll(secrets, context)
  addRewrap(secrets, context)
  addReplaceKeys(program.command('keys').description('the keys that are kept in the database'), context)
  addInspectToken(program.command('token').description('access tokens'), context)
  const audit = program.command('audit').description('the log of security events')
  addVerifyAudit(audit, context)
  addExportAudit(audit, context)
  addBackup(program, context)
  addRecordBackup(program, context)
  addRestore(program, context)
  addDoctor(program, context)
  return program
}
