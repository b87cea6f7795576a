import { type Command, Option } from 'commander'
import type { NewAdministrator } from '../accounts/admin-creation.js'
import type { CommandContext } from './command-context.js'
import { jsonOption, print } from './terminal/print.js'
import { readPassword } from './terminal/read-password.js'
import { withNewService } from './with-service.js'

interface CreateOptions extends Pick<NewAdministrator, 'role'> {
  readonly json?: boolean
}

/** Adds `latchkey admin create <email>`. */
export function addCreateAdmin(parent: Command, context: CommandContext): void {
  parent
    .command('create')
    .description('create an administrator; asks for the password, or reads it from standard input')
    .argument('<email>', 'e-mail address of the account; an existing one becomes an administrator')
    .addOption(
      new Option('--role <role>', 'right of the account: an auditor can only read')
        .choices(['admin', 'auditor'])
        .default('admin'),
    )
    .option(...jsonOption)
    .action(async (email: string, options: CreateOptions) => {
      const password = await readPassword(`Password for ${email}: `, context)
      const { account, created } = await withNewService(context, ({ adminCreation }) =>
        adminCreation.createAdmin({ email, password, role: options.role }),
      )
      const right = account.role === 'auditor' ? 'auditor' : 'administrator'
      const done = created ? `is a new ${right}` : `is an ${right} now`
      const json = { id: account.id, email: account.email, role: account.role, created }
      print({ json, text: `${account.email} ${done} (account ${account.id}).` }, options, context)
    })
}
