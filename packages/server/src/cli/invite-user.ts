import type { Command } from 'commander'
import { operator } from '../admin/administrator.js'
import type { CommandContext } from './command-context.js'
import { jsonOption, print, timeText } from './terminal/print.js'
import { withService } from './with-service.js'

interface InviteOptions {
  readonly mail?: boolean
  readonly json?: boolean
}

/** `latchkey users invite <email>`: prints a link to hand out, or has a running server mail it. */
export function addInviteUser(parent: Command, context: CommandContext): void {
  parent
    .command('invite')
    .description('invite the owner of an address to make an account; prints the link, which works once')
    .argument('<email>', 'e-mail address that the account will have')
    .option('--mail', 'mail the link to the address instead, and nowhere else: accepting it then verifies the address')
    .option(...jsonOption)
    .action((email: string, options: InviteOptions) =>
      withService(context, async ({ invitationAdministration }) => {
        const delivery = options.mail === true ? 'mail' : 'link'
        const { invitation, url } = await invitationAdministration.invite(operator, { email, delivery })
        const expires_at = timeText(invitation.expiresAt)
        const json = { id: invitation.id, email: invitation.email, delivery, expires_at, url }
        const text = url ?? `The invitation is mailed to ${invitation.email} by a running server.`
        print({ json, text }, options, context)
      }),
    )
}
