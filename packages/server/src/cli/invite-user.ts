import type { Command } from 'commander'
import { operator } from '../audit/operator.js'
import type { CommandContext } from './command-context.js'
import { jsonOption, print, timeText } from './terminal/print.js'
import { withNewService } from './with-service.js'

interface InviteOptions {
  readonly mail?: boolean
  readonly json?: boolean
}

/** Adds `latchkey users invite <email>`. It prints a link, or a running server mails it. */
export function addInviteUser(parent: Command, context: CommandContext): void {
  parent
    .command('invite')
    .description('invite the owner of an address to create an account; prints the link, which works once')
    .argument('<email>', 'e-mail address that the account will have')
    .option('--mail', 'mail the link to the address instead of printing it, so that accepting it verifies the address')
    .option(...jsonOption)
    .action((email: string, options: InviteOptions) =>
      withNewService(context, async ({ invitationAdministration }) => {
        const delivery = options.mail === true ? 'mail' : 'link'
        const { invitation, url } = await invitationAdministration.invite(operator, { email, delivery })
        const expires_at = timeText(invitation.expiresAt)
        const json = { id: invitation.id, email: invitation.email, delivery, expires_at, url }
        const text = url ?? `A running server will mail the invitation to ${invitation.email}.`
        print({ json, text }, options, context)
      }),
    )
}
