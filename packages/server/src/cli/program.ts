import { Command } from 'commander'
import { serverVersion } from '../version.js'
import type { CommandContext } from './command-context.js'
import { addCommandHelp } from './command-help.js'
import { addCompletion } from './completion/completion.js'
import { addCreateAdmin } from './create-admin.js'
import { addCreateBackup } from './create-backup.js'
import { addCreateClient } from './create-client.js'
import { addCreateUser } from './create-user.js'
import { addDemo } from './demo.js'
import { addDoctor } from './doctor.js'
import { addEndSession } from './end-session.js'
import { addExportAudit } from './export-audit.js'
import { addImportUsers } from './import-users.js'
import { addInspectToken } from './inspect-token.js'
import { addInviteUser } from './invite-user.js'
import { addListClients } from './list-clients.js'
import { addListKeys } from './list-keys.js'
import { addListSecrets } from './list-secrets.js'
import { addListSessions } from './list-sessions.js'
import { addListUsers } from './list-users.js'
import { addMasterKeys } from './master-keys.js'
import { addMigrate } from './migrate.js'
import { addRecordBackup } from './record-backup.js'
import { addReplaceKeys } from './replace-keys.js'
import { addResetLink } from './reset-link.js'
import { addRestoreBackup } from './restore-backup.js'
import { addRevokeSecrets } from './revoke-secrets.js'
import { addRewrap } from './rewrap.js'
import { addRotateAll } from './rotate-all.js'
import { addRotateClient } from './rotate-client.js'
import { addRotateKeys } from './rotate-keys.js'
import { addRotateSecret } from './rotate-secret.js'
import { addServe } from './serve.js'
import { addTailAudit } from './tail-audit.js'
import { addUserActions } from './user-actions.js'
import { addVerifyAudit } from './verify-audit.js'

type AddCommand = (parent: Command, context: CommandContext) => void

interface Group {
  readonly name: string
  readonly description: string
  readonly commands: readonly AddCommand[]
}

const groups: readonly Group[] = [
  { name: 'admin', description: 'administrators', commands: [addCreateAdmin] },
  {
    name: 'users',
    description: 'accounts',
    commands: [addListUsers, addCreateUser, addImportUsers, addInviteUser, addUserActions, addResetLink],
  },
  {
    name: 'clients',
    description: 'programs that get tokens of their own',
    commands: [addCreateClient, addListClients, addRotateClient],
  },
  { name: 'sessions', description: 'the sign-ins of accounts', commands: [addListSessions, addEndSession] },
  {
    name: 'secrets',
    description: 'the secrets that sign access tokens',
    commands: [addListSecrets, addRotateSecret, addRevokeSecrets, addRotateAll, addRewrap],
  },
  {
    name: 'keys',
    description: 'the key pairs of the JWKS, and all keys in the database after a leak',
    commands: [addListKeys, addRotateKeys, addReplaceKeys],
  },
  { name: 'token', description: 'access tokens', commands: [addInspectToken] },
  {
    name: 'audit',
    description: 'the log of security events',
    commands: [addTailAudit, addVerifyAudit, addExportAudit],
  },
  {
    name: 'backup',
    description: 'copies of the database',
    commands: [addCreateBackup, addRecordBackup, addRestoreBackup],
  },
]

/**
 * Returns the program with all commands; docs/reference/cli.md and the completion of shells are
 * made from it.
 */
export function createProgram(context: CommandContext): Command {
  const { stdout, stderr } = context
  const program = new Command('latchkey')
    .description('Accounts and access tokens with a signing secret for every user. Settings are environment variables.')
    .version(serverVersion(), '--version', 'print the version')
    .showHelpAfterError('(--help shows arguments and options)')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
      outputError: (text, write) => write(text.replace(/^error: /, 'latchkey: usage_invalid: ')),
    })
  addServe(program, context)
  addDemo(program, context)
  addMigrate(program, context)
  addDoctor(program, context)
  for (const { name, description, commands } of groups) {
    const group = program.command(name).description(description)
    for (const add of commands) add(group, context)
  }
  addMasterKeys(program, context)
  addCompletion(program, context)
  addCommandHelp(program)
  return program
}
