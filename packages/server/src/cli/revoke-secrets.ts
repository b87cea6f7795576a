import type { Command } from 'commander'
import { operator } from '../admin/administrator.js'
import { revokeEveryone } from '../admin/revoke-everyone.js'
import type { Service } from '../service.js'
import { StartupFailure } from '../startup-failure.js'
import type { Surroundings } from './surroundings.js'
import { confirm, yesOption } from './terminal/confirm.js'
import { interrupted, interruption } from './terminal/interruption.js'
import { parseTime } from './terminal/parse-option.js'
import { jsonOption, print, timeText } from './terminal/print.js'
import { Progress, quantity } from './terminal/progress.js'
import { withService } from './with-service.js'

interface RevokeOptions {
  readonly everyone?: boolean
  readonly madeBefore?: number
  readonly yes?: boolean
  readonly json?: boolean
}

/** `latchkey secrets revoke [user]`: every session and token of one account ends, or with `--everyone` of all accounts and clients. */
export function addRevokeSecrets(parent: Command, surroundings: Surroundings): void {
  parent
    .command('revoke')
    .description('end every session and every token of an account, or of everyone, at once')
    .argument('[user]', 'ID or e-mail address')
    .option('--everyone', 'all accounts and clients: after a leak of a master key or a database')
    .option('--made-before <time>', 'with --everyone: who has a secret from before; by default now', parseTime)
    .option(...yesOption)
    .option(...jsonOption)
    .action(async (user: string | undefined, options: RevokeOptions) => {
      if ((user === undefined) !== (options.everyone === true)) throw oneOfThem()
      await withService(surroundings, (service) =>
        user === undefined
          ? revokeAll(service, options, surroundings)
          : revokeOne(user, service, { options, surroundings }),
      )
    })
}

async function revokeOne(
  user: string,
  { administration }: Service,
  { options, surroundings }: { options: RevokeOptions; surroundings: Surroundings },
): Promise<void> {
  const { id, email } = await administration.find(user)
  await confirm(`End every session and token of ${email}?`, options, surroundings)
  await administration.revoke(operator, id)
  const text = `Every session and token of ${email} has ended.`
  print({ json: { id, email, done: 'revoke' }, text }, options, surroundings)
}

async function revokeAll(service: Service, options: RevokeOptions, surroundings: Surroundings): Promise<void> {
  await confirm('End every session and token of everyone?', options, surroundings)
  const { store, audit, clock } = service
  const madeBefore = options.madeBefore ?? clock.now() + 1
  const signal = interruption(surroundings)
  const entry = { event: 'secret_revoke_all', outcome: 'done', actor: 'cli', account: null, address: null } as const
  await audit.append(store, entry)
  let progress: Progress | undefined
  const revoked = await revokeEveryone(service, {
    madeBefore,
    signal,
    onProgress: (done, total) => {
      progress ??= new Progress(surroundings, { label: 'revoke', unit: 'tenants', total })
      progress.update(done)
    },
  })
  progress?.end()
  if (signal.aborted) {
    const resume = `To go on: latchkey secrets revoke --everyone --made-before ${timeText(madeBefore)}`
    throw interrupted(`${quantity(revoked, 'tenants')} are revoked.`, resume)
  }
  const json = { revoked, made_before: timeText(madeBefore) }
  print({ json, text: `${quantity(revoked, 'tenants')} revoked: everybody signs in again.` }, options, surroundings)
}

function oneOfThem(): StartupFailure {
  const hint = 'Name an account, or give --everyone.'
  return new StartupFailure('command_refused', 'It is not said whose sessions and tokens are meant.', hint)
}
