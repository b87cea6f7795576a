import type { Command } from 'commander'
import { operator } from '../admin/administrator.js'
import type { CommandContext } from './command-context.js'
import { jsonOption, print, timeText } from './terminal/print.js'
import { withService } from './with-service.js'

/** `latchkey users reset-link <user>`: as the route does, for administrators as well. */
export function addResetLink(parent: Command, context: CommandContext): void {
  parent
    .command('reset-link')
    .description('print a link with which a new password can be set; it works once, and ends the earlier ones')
    .argument('<user>', 'ID or e-mail address')
    .option(...jsonOption)
    .action((user: string, options: { json?: boolean }) =>
      withService(context, async ({ administration, resetLinks }) => {
        const { id, email } = await administration.find(user)
        const { url, expiresAt } = await resetLinks.create(operator, id)
        print({ json: { id, email, url, expires_at: timeText(expiresAt) }, text: url }, options, context)
      }),
    )
}
