import type { Command } from 'commander'
import { operator } from '../audit/operator.js'
import type { CommandContext } from './command-context.js'
import { jsonOption, print } from './terminal/print.js'
import { withService } from './with-service.js'

/** Adds `latchkey secrets rotate <user>`. */
export function addRotateSecret(parent: Command, context: CommandContext): void {
  parent
    .command('rotate')
    .description('give an account a new secret; the old one verifies until its grace period ends, so no session ends')
    .argument('<user>', 'ID or e-mail address')
    .option(...jsonOption)
    .action((user: string, options: { json?: boolean }) =>
      withService(context, async ({ administration }) => {
        const { id, email } = await administration.find(user)
        await administration.rotate(operator, id)
        print({ json: { id, email, done: 'rotate' }, text: `${email} has a new secret.` }, options, context)
      }),
    )
}
