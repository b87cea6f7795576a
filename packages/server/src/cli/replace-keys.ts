import type { Command } from 'commander'
import { type KeyReplacementProgress, Keyring } from 'latchkey'
import { replaceAllKeys } from '../admin/replace-keys.js'
import { operator } from '../audit/operator.js'
import { quantity } from '../quantity.js'
import type { Service } from '../service.js'
import type { CommandContext } from './command-context.js'
import { confirm, yesOption } from './terminal/confirm.js'
import { interrupted, interruption } from './terminal/interruption.js'
import { jsonOption, print } from './terminal/print.js'
import { Progress } from './terminal/progress.js'
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

/** Adds `latchkey keys replace`. */
export function addReplaceKeys(parent: Command, context: CommandContext): void {
  parent
    .command('replace')
    .description('after a leak of the master key: replace every key and secret, and end every session and token')
    .option(...yesOption)
    .option(...jsonOption)
    .action(async (options: ReplaceOptions) => {
      await confirm('Replace every key, and end all sessions and tokens of all accounts and clients?', options, context)
      await withService(context, async (service) => {
        const replaced = await replaceWithProgress(service, context)
        const { newestId } = Keyring.parse(service.database.masterKeys)
        const text = [
          `All keys are new and encrypted with master key ${newestId}; ${quantity(replaced, 'secrets')} replaced.`,
          'All users must sign in again. Services that use the JWKS refuse old tokens after their next fetch.',
        ].join('\n')
        print({ json: { replaced, master_key_id: newestId }, text }, options, context)
      })
    })
}

/**
 * Replaces all keys, with progress on standard error.
 *
 * @returns the number of tenants with a new secret
 * @throws StartupFailure `interrupted` after SIGINT or SIGTERM
 */
export async function replaceWithProgress(service: Service, context: CommandContext): Promise<number> {
  const signal = interruption(context)
  const progress = new Progress(context, { label: 'replace', unit: 'tenants' })
  let step: KeyReplacementProgress['step'] | undefined
  // First, so that a crash cannot hide a replacement.
  await service.audit.done(service.store, 'key_replace', operator, { account: null })
  const replaced = await replaceAllKeys(service, {
    signal,
    onProgress: (now) => {
      if (now.step !== step) progress.note(steps[now.step])
      step = now.step
      progress.update(now.done)
    },
  })
  progress.end()
  if (signal.aborted) throw interrupted('Not all keys are replaced yet.', 'Run the command again to go on.')
  return replaced
}
