import { Command } from 'commander'
import { serverVersion } from '../version.js'
import { addBackup } from './backup.js'
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
import type { Surroundings } from './surroundings.js'
import { addUserActions } from './user-actions.js'
import { addVerifyAudit } from './verify-audit.js'

/** Every command with its arguments and options; the reference in docs/cli.md is made from it. */
export function createProgram(surroundings: Surroundings): Command {
  const { stdout, stderr } = surroundings
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
  addServe(program, surroundings)
  addMigrate(program, surroundings)
  addCreateAdmin(program.command('admin').description('administrators'), surroundings)
  addMasterKeys(program, surroundings)
  const users = program.command('users').description('accounts')
  addListUsers(users, surroundings)
  addCreateUser(users, surroundings)
  addImportUsers(users, surroundings)
  addInviteUser(users, surroundings)
  addUserActions(users, surroundings)
  addResetLink(users, surroundings)
  const secrets = program.command('secrets').description('the secrets that sign tokens')
  addListSecrets(secrets, surroundings)
  addRotateSecret(secrets, surroundings)
  addRevokeSecrets(secrets, surroundings)
  addRotateAll(secrets, surroundings)
  addRewrap(secrets, surroundings)
  addReplaceKeys(program.command('keys').description('the keys that are kept in the database'), surroundings)
  addInspectToken(program.command('token').description('access tokens'), surroundings)
  const audit = program.command('audit').description('the log of security events')
  addVerifyAudit(audit, surroundings)
  addExportAudit(audit, surroundings)
  addBackup(program, surroundings)
  addRecordBackup(program, surroundings)
  addRestore(program, surroundings)
  addDoctor(program, surroundings)
  return program
}
