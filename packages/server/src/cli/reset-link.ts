import type { Command } from 'commander'
import { operator } from '../audit/operator.js'
import type { CommandContext } from './command-context.js'
import { jsonOption, print, timeText } from './terminal/print.js'
import { withService } from './with-service.js'

/** Adds `latchkey users reset-link <user>`. It works for administrators as well. */
export function addResetLink(parent: Command, context: CommandContext): void {
  parent
    .command('reset-link')
    .description('print a link that sets a new password; it works once, and earlier links stop working')
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
