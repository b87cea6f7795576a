import type { Command } from 'commander'
import type { Account } from '../accounts/account-table.js'
import type { Administration } from '../admin/administration.js'
import type { CommandContext } from './command-context.js'
import { columns, timeText } from './terminal/print.js'
import { printLines } from './terminal/print-lines.js'
import { withService } from './with-service.js'

const pageSize = 1000
const firstId = '00000000-0000-0000-0000-000000000000'

/** `latchkey users list`: one account a line, oldest first. */
export function addListUsers(parent: Command, context: CommandContext): void {
  parent
    .command('list')
    .description('print accounts, oldest first')
    .option('--search <text>', 'only those whose address or name holds this', '')
    .option('--json', 'print one JSON object a line')
    .action(({ search, json }: { search: string; json?: boolean }) =>
      withService(context, ({ administration }) =>
        printLines(textsOf(administration, { search, isJson: json === true }), context),
      ),
    )
}

async function* textsOf(
  administration: Administration,
  { search, isJson }: { readonly search: string; readonly isJson: boolean },
): AsyncGenerator<string> {
  for await (const accounts of pagesOf(administration, search)) {
    yield `${isJson ? accounts.map(jsonLine).join('\n') : columns(accounts.map(cells))}\n`
  }
}

async function* pagesOf(administration: Administration, search: string): AsyncGenerator<readonly Account[]> {
  let after: string | undefined = firstId
  while (after !== undefined) {
    const { items, next } = await administration.list({ search, after, limit: pageSize })
    if (items.length > 0) yield items
    after = next
  }
}

function cells({ id, email, role, createdAt, disabledAt }: Account): readonly string[] {
  return [id, role, timeText(createdAt), disabledAt === null ? 'enabled' : 'disabled', email]
}

function jsonLine(account: Account): string {
  const { id, email, name, role, createdAt, signedInAt, disabledAt } = account
  const times = {
    created_at: timeJson(createdAt),
    last_login_at: timeJson(signedInAt),
    disabled_at: timeJson(disabledAt),
  }
  return JSON.stringify({ id, email, name, role, ...times })
}

function timeJson(ms: number | null): string | null {
  return ms === null ? null : timeText(ms)
}
