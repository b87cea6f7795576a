import type { Command } from 'commander'
import { type KeyReplacementProgress, Keyring } from 'latchkey'
import { replaceAllKeys } from '../admin/replace-keys.js'
import type { Service } from '../service.js'
import type { CommandContext } from './command-context.js'
import { confirm, yesOption } from './terminal/confirm.js'
import { interrupted, interruption } from './terminal/interruption.js'
import { jsonOption, print } from './terminal/print.js'
import { Progress, quantity } from './terminal/progress.js'
import { withService } from './with-service.js'

interface ReplaceOptions {
  readonly yes?: boolean
  readonly json?: boolean
}

const steps: Readonly<Record<KeyReplacementProgress['step'], string>> = {
  announce: 'announce the new keys to every server',
  switch: 'switch to the new keys',
  replace: 'replace secrets',
  finish: 'finish',
}

/** `latchkey keys replace`: new keys in the place of all that are kept in the database, and an end to what rested on the old ones. */
export function addReplaceKeys(parent: Command, context: CommandContext): void {
  parent
    .command('replace')
    .description('after a leak of the master key: replace every key and secret, and end every session and token')
    .option(...yesOption)
    .option(...jsonOption)
    .action(async (options: ReplaceOptions) => {
      await confirm('Replace every key, and end every session and token of everyone?', options, context)
      await withService(context, async (service) => {
        const replaced = await replaceWithProgress(service, context)
        const { newestId } = Keyring.parse(service.database.masterKeys)
        const text = [
          `Every key is new, encrypted under the master key ${newestId}; ${quantity(replaced, 'secrets')} replaced.`,
          'Everyone signs in again. Services that use the JWKS refuse the old tokens from their next fetch on.',
        ].join('\n')
        print({ json: { replaced, master_key_id: newestId }, text }, options, context)
      })
    })
}

/** Does it with progress on standard error; fails with `interrupted` when the command is told to stop. */
export async function replaceWithProgress(service: Service, context: CommandContext): Promise<number> {
  const signal = interruption(context)
  const progress = new Progress(context, { label: 'replace', unit: 'tenants' })
  let step: KeyReplacementProgress['step'] | undefined
  const replaced = await replaceAllKeys(service, {
    signal,
    onProgress: (now) => {
      if (now.step !== step) progress.note(steps[now.step])
      step = now.step
      progress.update(now.done)
    },
  })
  progress.end()
  if (signal.aborted) throw interrupted('Not everything is replaced yet.', 'Run the command again to go on.')
  return replaced
}
