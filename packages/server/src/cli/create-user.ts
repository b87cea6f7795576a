import type { Command } from 'commander'
import { operator } from '../admin/administrator.js'
import type { CommandContext } from './command-context.js'
import { jsonOption, print } from './terminal/print.js'
import { withService } from './with-service.js'

interface CreateOptions {
  readonly verified?: boolean
  readonly json?: boolean
}

/** `latchkey users create <email>`: as the route does, without a password. */
export function addCreateUser(parent: Command, context: CommandContext): void {
  parent
    .command('create')
    .description('make an account without a password; "users reset-link" makes a link with which its owner sets one')
    .argument('<email>', 'e-mail address of the account')
    .option('--verified', 'mark the address as verified')
    .option(...jsonOption)
    .action((email: string, { verified = false, json: asJson = false }: CreateOptions) =>
      withService(context, async ({ provisioning }) => {
        const account = await provisioning.create(operator, { email, emailVerified: verified })
        const json = { id: account.id, email: account.email, email_verified: verified }
        print({ json, text: `${account.email} has an account now (${account.id}).` }, { json: asJson }, context)
      }),
    )
}
