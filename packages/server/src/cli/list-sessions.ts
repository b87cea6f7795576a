import type { Command } from 'commander'
import type { Session } from '../sessions/session-table.js'
import type { CommandContext } from './command-context.js'
import { printable, timeJson, timeText } from './terminal/print.js'
import { jsonLinesOption, type ListFormat, printList } from './terminal/print-list.js'
import { withService } from './with-service.js'

/** Adds `latchkey sessions list <user>`. */
export function addListSessions(parent: Command, context: CommandContext): void {
  parent
    .command('list')
    .description('list the sessions of an account that have not ended, newest first')
    .argument('<user>', 'ID or e-mail address')
    .option(...jsonLinesOption)
    .action((user: string, options: { json?: boolean }) =>
      withService(context, async ({ administration }) => {
        const { id, email } = await administration.find(user)
        async function* pages() {
          yield await administration.listSessions(id)
        }
        const whenEmpty = `${email} has no session that is still valid.`
        await printList(pages(), { ...format, whenEmpty }, { options, context })
      }),
    )
}

const format: Omit<ListFormat<Session>, 'whenEmpty'> = {
  titles: ['ID', 'CREATED', 'LAST USED', 'ADDRESS', 'USER AGENT'],
  cells: ({ id, createdAt, lastUsedAt, address, userAgent }) => [
    id,
    timeText(createdAt),
    timeText(lastUsedAt),
    address ?? '-',
    userAgent === null ? '-' : printable(userAgent),
  ],
  json: ({ id, createdAt, lastUsedAt, expiresAt, address, userAgent }) => ({
    id,
    created_at: timeJson(createdAt),
    last_used_at: timeJson(lastUsedAt),
    expires_at: timeJson(expiresAt),
    address,
    user_agent: userAgent,
  }),
}
