import type { Command } from 'commander'
import { operator } from '../audit/operator.js'
import { secretGraceSec } from '../clients/client-secret.js'
import type { CommandContext } from './command-context.js'
import { printNewSecret } from './print-new-secret.js'
import { confirm, yesOption } from './terminal/confirm.js'
import { wholeFrom } from './terminal/parse-option.js'
import { jsonOption, printable } from './terminal/print.js'
import { withService } from './with-service.js'

interface RotateOptions {
  readonly gracePeriod: number
  readonly yes?: boolean
  readonly json?: boolean
}

/** Adds `latchkey clients rotate <client>`. */
export function addRotateClient(parent: Command, context: CommandContext): void {
  parent
    .command('rotate')
    .description('give a client a new secret, and print it, once; the old one is valid until its grace period ends')
    .argument('<client>', 'ID of the client')
    .option(
      '--grace-period <seconds>',
      'time for which the old secret is valid; 0, after a leak, ends it and all tokens of the client at once',
      wholeFrom(0, secretGraceSec.max),
      secretGraceSec.default,
    )
    .option(...yesOption)
    .option(...jsonOption)
    .action((id: string, options: RotateOptions) =>
      withService(context, async ({ clientAdministration }) => {
        const { gracePeriod } = options
        const { name } = await clientAdministration.read(id)
        if (gracePeriod === 0) {
          await confirm(`End the secret and every token of ${printable(name)}?`, options, context)
        }
        printNewSecret(await clientAdministration.rotateSecret(operator, id, gracePeriod), options, context)
      }),
    )
}
