import type { Command } from 'commander'
import type { Client } from '../clients/client-table.js'
import { clientJson } from './client-json.js'
import type { CommandContext } from './command-context.js'
import { printable, timeText } from './terminal/print.js'
import { jsonLinesOption, type ListFormat, printList, readPages } from './terminal/print-list.js'
import { withService } from './with-service.js'

/** Adds `latchkey clients list`. */
export function addListClients(parent: Command, context: CommandContext): void {
  parent
    .command('list')
    .description('list clients, oldest first')
    .option(...jsonLinesOption)
    .action((options: { json?: boolean }) =>
      withService(context, ({ clientAdministration }) =>
        printList(
          readPages((page) => clientAdministration.list(page)),
          format,
          { options, context },
        ),
      ),
    )
}

const format: ListFormat<Client> = {
  titles: ['ID', 'CREATED', 'STATE', 'INTROSPECTS', 'NAME', 'SCOPE'],
  cells: ({ id, name, scope, mayIntrospect, createdAt, disabledAt }) => [
    id,
    timeText(createdAt),
    disabledAt === null ? 'enabled' : 'disabled',
    mayIntrospect ? 'yes' : 'no',
    printable(name),
    scope === '' ? '-' : scope,
  ],
  json: clientJson,
  whenEmpty: 'No clients yet: create one with "latchkey clients create <name>".',
}
