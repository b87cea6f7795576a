import { type Command, InvalidArgumentError } from 'commander'
import { operator } from '../audit/operator.js'
import type { CommandContext } from './command-context.js'
import { printNewSecret } from './print-new-secret.js'
import { parseScope } from './terminal/parse-option.js'
import { jsonOption } from './terminal/print.js'
import { withNewService } from './with-service.js'

interface CreateOptions {
  readonly scope: string
  readonly mayIntrospect?: boolean
  readonly json?: boolean
}

const maxNameLength = 200

/** Adds `latchkey clients create <name>`. */
export function addCreateClient(parent: Command, context: CommandContext): void {
  parent
    .command('create')
    .description('create a client, a program that gets tokens of its own; prints its secret, once')
    .argument('<name>', 'name of the client, for people', parseName)
    .option('--scope <scopes>', 'scopes that its tokens may have, with spaces between', parseScope, '')
    .option('--may-introspect', 'allow the client to introspect tokens (RFC 7662)')
    .option(...jsonOption)
    .action((name: string, options: CreateOptions) =>
      withNewService(context, async ({ clientAdministration }) => {
        const { scope, mayIntrospect = false } = options
        const created = await clientAdministration.create(operator, { name, scope, mayIntrospect })
        printNewSecret(created, options, context)
      }),
    )
}

function parseName(text: string): string {
  if (text.length >= 1 && text.length <= maxNameLength && !/\p{C}/u.test(text)) return text
  throw new InvalidArgumentError(`A name has 1 to ${maxNameLength} printable characters.`)
}
