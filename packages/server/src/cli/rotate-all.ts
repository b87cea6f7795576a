import type { Command } from 'commander'
import type { RotationProgress } from 'latchkey'
import { defaultRatePerMinute } from '../admin/rotations.js'
import { operator } from '../audit/operator.js'
import { quantity } from '../quantity.js'
import type { CommandContext } from './command-context.js'
import { interrupted, interruption } from './terminal/interruption.js'
import { parseTime, wholeFrom } from './terminal/parse-option.js'
import { jsonOption, print } from './terminal/print.js'
import { Progress } from './terminal/progress.js'
import { withService } from './with-service.js'

interface RotateAllOptions {
  readonly olderThan?: number
  readonly rate: number
  readonly limit?: number
  readonly json?: boolean
}

/** Adds `latchkey secrets rotate-all`. */
export function addRotateAll(parent: Command, context: CommandContext): void {
  parent
    .command('rotate-all')
    .description('give a new secret to all accounts and clients whose secret is older than a date; no session ends')
    .option('--older-than <time>', 'the date; without it, all secrets are rotated', parseTime)
    .option('--rate <number>', 'most tenants per minute', wholeFrom(1, 600_000), defaultRatePerMinute)
    .option(
      '--limit <number>',
      'stop after this number, to check the result before the others',
      wholeFrom(1, 1_000_000_000),
    )
    .option(...jsonOption)
    .action((options: RotateAllOptions) => rotateAll(options, context))
}

async function rotateAll(options: RotateAllOptions, context: CommandContext): Promise<void> {
  const { olderThan, rate, limit } = options
  const signal = interruption(context)
  await withService(context, async ({ keys, audit, store }) => {
    await audit.done(store, 'rotation_start', operator, { account: null })
    let bar: Progress | undefined
    const rotation = keys.rotateAll({
      ...(olderThan === undefined ? {} : { olderThan: new Date(olderThan) }),
      ratePerMinute: rate,
      ...(limit === undefined ? {} : { canary: limit }),
      onProgress: (now) => {
        bar ??= new Progress(context, { label: 'rotate', unit: 'tenants', total: seen(now) + now.remaining })
        bar.update(seen(now))
        if (now.state === 'paused') rotation.stop()
      },
    })
    signal.addEventListener('abort', () => rotation.stop())
    if (signal.aborted) rotation.stop()
    const last = await rotation.done
    bar?.end()
    if (signal.aborted) throw interrupted(`${quantity(last.rotated, 'tenants')} rotated.`, resume(last))
    print({ json: jsonOf(last), text: textOf(last) }, options, context)
  })
}

function seen({ rotated, failed }: RotationProgress): number {
  return rotated + Object.values(failed).reduce((sum, count) => sum + count, 0)
}

function resume({ olderThan }: RotationProgress): string {
  return `To go on: latchkey secrets rotate-all --older-than ${olderThan.toISOString()}`
}

function textOf(last: RotationProgress): string {
  const failures = Object.entries(last.failed).map(([code, count]) => `${count} not rotated: ${code}`)
  const rest = last.remaining > 0 ? [`${quantity(last.remaining, 'tenants')} remain. ${resume(last)}`] : []
  return [`${quantity(last.rotated, 'tenants')} rotated.`, ...failures, ...rest].join('\n')
}

function jsonOf({ olderThan, rotated, failed, remaining }: RotationProgress): object {
  return { older_than: olderThan.toISOString(), rotated, failed, remaining }
}
