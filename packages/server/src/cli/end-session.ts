import type { Command } from 'commander'
import { operator } from '../audit/operator.js'
import type { CommandContext } from './command-context.js'
import { confirm, yesOption } from './terminal/confirm.js'
import { jsonOption, print } from './terminal/print.js'
import { withService } from './with-service.js'

interface EndOptions {
  readonly yes?: boolean
  readonly json?: boolean
}

/** Adds `latchkey sessions end <session>`. */
export function addEndSession(parent: Command, context: CommandContext): void {
  parent
    .command('end')
    .description('end one session and its tokens; "secrets revoke" ends all of an account')
    .argument('<session>', 'ID of the session')
    .option(...yesOption)
    .option(...jsonOption)
    .action(async (id: string, options: EndOptions) => {
      await confirm(`End the session ${id}?`, options, context)
      await withService(context, async ({ administration }) => {
        const { accountId } = await administration.endSession(operator, id)
        const json = { id, account: accountId, done: 'end' }
        print({ json, text: `The session ${id} of account ${accountId} has ended.` }, options, context)
      })
    })
}
