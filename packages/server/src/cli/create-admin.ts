import type { Command } from 'commander'
import type { CommandContext } from './command-context.js'
import { jsonOption, print } from './terminal/print.js'
import { readPassword } from './terminal/read-password.js'
import { withNewService } from './with-service.js'

/** Adds `latchkey admin create <email>`. */
export function addCreateAdmin(parent: Command, context: CommandContext): void {
  parent
    .command('create')
    .description('create an administrator; asks for the password, or reads it from standard input')
    .argument('<email>', 'e-mail address of the account; an existing one becomes an administrator')
    .option(...jsonOption)
    .action(async (email: string, options: { json?: boolean }) => {
      const password = await readPassword(`Password for ${email}: `, context)
      const { account, created } = await withNewService(context, ({ adminCreation }) =>
        adminCreation.createAdmin({ email, password }),
      )
      const done = created ? 'is a new administrator' : 'is an administrator now'
      const json = { id: account.id, email: account.email, created }
      print({ json, text: `${account.email} ${done} (account ${account.id}).` }, options, context)
    })
}
