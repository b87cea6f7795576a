import type { Command } from 'commander'
import type { Account } from '../accounts/account-table.js'
import type { CommandContext } from './command-context.js'
import { timeJson, timeText } from './terminal/print.js'
import { jsonLinesOption, type ListFormat, printList, readPages } from './terminal/print-list.js'
import { withService } from './with-service.js'

interface ListOptions {
  readonly search: string
  readonly json?: boolean
}

/** Adds `latchkey users list`. */
export function addListUsers(parent: Command, context: CommandContext): void {
  parent
    .command('list')
    .description('list accounts, oldest first')
    .option('--search <text>', 'only those whose address or name contains this text', '')
    .option(...jsonLinesOption)
    .action((options: ListOptions) =>
      withService(context, ({ administration }) => {
        const { search } = options
        const pages = readPages((page) => administration.list({ ...page, search }))
        return printList(pages, { ...format, whenEmpty: whenEmpty(search) }, { options, context })
      }),
    )
}

const format: Omit<ListFormat<Account>, 'whenEmpty'> = {
  titles: ['ID', 'ROLE', 'CREATED', 'STATE', 'EMAIL'],
  cells: ({ id, email, role, createdAt, disabledAt }) => [
    id,
    role,
    timeText(createdAt),
    disabledAt === null ? 'enabled' : 'disabled',
    email,
  ],
  json: ({ id, email, name, role, createdAt, signedInAt, disabledAt }) => ({
    id,
    email,
    name,
    role,
    created_at: timeJson(createdAt),
    last_login_at: timeJson(signedInAt),
    disabled_at: timeJson(disabledAt),
  }),
}

function whenEmpty(search: string): string {
  return search === ''
    ? 'No users yet: create one with "latchkey users create <email>".'
    : `No address or name of a user contains ${JSON.stringify(search)}.`
}
