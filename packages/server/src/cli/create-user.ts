import type { Command } from 'commander'
import { operator } from '../audit/operator.js'
import type { CommandContext } from './command-context.js'
import { jsonOption, print } from './terminal/print.js'
import { withNewService } from './with-service.js'

interface CreateOptions {
  readonly verified?: boolean
  readonly json?: boolean
}

/** Adds `latchkey users create <email>`. */
export function addCreateUser(parent: Command, context: CommandContext): void {
  parent
    .command('create')
    .description(
      'create an account without a password; "users reset-link" creates a link with which its owner sets one',
    )
    .argument('<email>', 'e-mail address of the account')
    .option('--verified', 'mark the address as verified')
    .option(...jsonOption)
    .action((email: string, { verified = false, json: asJson = false }: CreateOptions) =>
      withNewService(context, async ({ provisioning }) => {
        const account = await provisioning.create(operator, { email, emailVerified: verified })
        const json = { id: account.id, email: account.email, email_verified: verified }
        print({ json, text: `${account.email} has an account (${account.id}).` }, { json: asJson }, context)
      }),
    )
}
