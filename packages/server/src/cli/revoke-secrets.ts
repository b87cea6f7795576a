import type { Command } from 'commander'
import { revokeAllTenants } from '../admin/revoke-all-tenants.js'
import { operator } from '../audit/operator.js'
import { quantity } from '../quantity.js'
import type { Service } from '../service.js'
import { StartupFailure } from '../startup-failure.js'
import type { CommandContext } from './command-context.js'
import { replaceWithProgress } from './replace-keys.js'
import { confirm, yesOption } from './terminal/confirm.js'
import { interrupted, interruption } from './terminal/interruption.js'
import { parseTime } from './terminal/parse-option.js'
import { jsonOption, print, type Result, timeText } from './terminal/print.js'
import { Progress } from './terminal/progress.js'
import { withService } from './with-service.js'

interface RevokeOptions {
  readonly everyone?: boolean
  readonly madeBefore?: number
  readonly yes?: boolean
  readonly json?: boolean
}

/** Adds `latchkey secrets revoke [user]`. */
export function addRevokeSecrets(parent: Command, context: CommandContext): void {
  parent
    .command('revoke')
    .description('end all sessions and tokens of an account, or of all accounts and clients, at once')
    .argument('[user]', 'ID or e-mail address')
    .option('--everyone', 'all accounts and clients; replaces every key as well, as "latchkey keys replace" does')
    .option(
      '--made-before <time>',
      'with --everyone: only those with a secret from before this time; no key is replaced',
      parseTime,
    )
    .option(...yesOption)
    .option(...jsonOption)
    .action(async (user: string | undefined, options: RevokeOptions) => {
      if ((user === undefined) !== (options.everyone === true)) throw tenantMissing()
      await withService(context, (service) =>
        user === undefined ? revokeAll(service, options, context) : revokeOne(user, service, { options, context }),
      )
    })
}

async function revokeOne(
  user: string,
  { administration }: Service,
  { options, context }: { options: RevokeOptions; context: CommandContext },
): Promise<void> {
  const { id, email } = await administration.find(user)
  await confirm(`End all sessions and tokens of ${email}?`, options, context)
  await administration.revoke(operator, id)
  const text = `All sessions and tokens of ${email} have ended.`
  print({ json: { id, email, done: 'revoke' }, text }, options, context)
}

async function revokeAll(service: Service, options: RevokeOptions, context: CommandContext): Promise<void> {
  await confirm('End all sessions and tokens of all accounts and clients?', options, context)
  const { madeBefore } = options
  if (madeBefore !== undefined) return revokeOlder(madeBefore, service, { options, context })
  const startedAt = service.clock.now()
  await appendRevocation(service)
  const revoked = await replaceWithProgress(service, context)
  print(resultOf(revoked, startedAt), options, context)
}

/** Revokes the tenants with a secret from before a time; the keys stay. */
async function revokeOlder(
  madeBefore: number,
  service: Service,
  { options, context }: { options: RevokeOptions; context: CommandContext },
): Promise<void> {
  const signal = interruption(context)
  await appendRevocation(service)
  let progress: Progress | undefined
  const revoked = await revokeAllTenants(service, {
    madeBefore,
    signal,
    onProgress: (done, total) => {
      progress ??= new Progress(context, { label: 'revoke', unit: 'tenants', total })
      progress.update(done)
    },
  })
  progress?.end()
  if (signal.aborted) {
    const resume = `To go on: latchkey secrets revoke --everyone --made-before ${timeText(madeBefore)}`
    throw interrupted(`${quantity(revoked, 'tenants')} revoked.`, resume)
  }
  print(resultOf(revoked, madeBefore), options, context)
}

function appendRevocation({ audit, store }: Service): Promise<void> {
  return audit.done(store, 'secret_revoke_all', operator, { account: null })
}

function resultOf(revoked: number, madeBefore: number): Result {
  const json = { revoked, made_before: timeText(madeBefore) }
  return { json, text: `${quantity(revoked, 'tenants')} revoked: their users must sign in again.` }
}

function tenantMissing(): StartupFailure {
  const hint = 'Name an account, or give --everyone.'
  return new StartupFailure('command_refused', 'The command names no account.', hint)
}
