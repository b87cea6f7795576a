import type { Command } from 'commander'
import type { KeyPairRecord, KeyPairStage } from 'latchkey'
import type { CommandContext } from './command-context.js'
import { timeJson, timeText } from './terminal/print.js'
import { jsonLinesOption, type ListFormat, printList } from './terminal/print-list.js'
import { withService } from './with-service.js'

/** Adds `latchkey keys list`. */
export function addListKeys(parent: Command, context: CommandContext): void {
  parent
    .command('list')
    .description('list the key pairs that sign tokens for other services; never a private key')
    .option(...jsonLinesOption)
    .action((options: { json?: boolean }) =>
      withService(context, ({ store }) => {
        async function* pages() {
          yield await store.readKeyPairs()
        }
        return printList(pages(), format, { options, context })
      }),
    )
}

const uses: Readonly<Record<KeyPairStage, string>> = { next: 'signs next', current: 'signs', previous: 'verifies' }

const format: ListFormat<KeyPairRecord> = {
  titles: ['KID', 'ALGORITHM', 'USE', 'MASTER KEY', 'CREATED', 'VERIFIES UNTIL'],
  cells: ({ kid, algorithm, stage, masterKeyId, createdAt, retiresAt }) => [
    kid,
    algorithm,
    uses[stage],
    masterKeyId,
    timeText(createdAt),
    timeText(retiresAt),
  ],
  json: ({ kid, algorithm, stage, masterKeyId, createdAt, retiresAt }) => ({
    kid,
    algorithm,
    stage,
    master_key_id: masterKeyId,
    created_at: timeJson(createdAt),
    retires_at: timeJson(retiresAt),
  }),
  whenEmpty: 'No key pairs yet: a server creates them when it first needs one, and "latchkey keys rotate" does.',
}
