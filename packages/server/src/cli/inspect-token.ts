import { text } from 'node:stream/consumers'
import type { Command } from 'commander'
import type { Inspection } from '../admin/token-inspector.js'
import { StartupFailure } from '../startup-failure.js'
import type { CommandContext } from './command-context.js'
import { jsonOption, print, printable, timeText } from './terminal/print.js'
import { withService } from './with-service.js'

/**
 * Adds `latchkey token inspect`. It fails with `token_refused` when the token is not accepted here.
 */
export function addInspectToken(parent: Command, context: CommandContext): void {
  parent
    .command('inspect')
    .description('decode an access token from standard input, and say whether and why it is refused here')
    .option(...jsonOption)
    .action(async (options: { json?: boolean }) => {
      const { stdin, stderr } = context
      if (stdin.isTTY) stderr.write('Paste the token, then press Ctrl-D.\n')
      const token = (await text(stdin)).trim()
      const found = await withService(context, ({ tokenInspector }) => tokenInspector.inspect(token))
      print({ json: inspectionJson(found), text: describe(found) }, options, context)
      if (found.refusal !== null) throw refused(found.refusal)
    })
}

function describe({ refusal, grants, header, claims, secret }: Inspection): string {
  const { iat, exp, sub, sid, iss, aud } = claims ?? {}
  const lines: (readonly [string, string])[] = [
    ['verdict', refusal === null ? 'accepted' : `refused: ${refusal.code}`],
    ['kid', say(header?.kid)],
    ['algorithm', say(header?.alg)],
    ['subject', say(sub)],
    ['session', say(sid)],
    ['issuer', say(iss)],
    ['audience', say(aud)],
    ['grants', grants === null ? 'none' : JSON.stringify(grants)],
    ['issued', secondsText(iat)],
    ['expires', secondsText(exp)],
    ['secret', secret === null ? 'none here: it was revoked, or never existed' : secretText(secret)],
  ]
  return lines.map(([name, value]) => `${name.padEnd(10)} ${value}`).join('\n')
}

function secretText({
  tenant,
  generation,
  createdAt,
  retiresAt,
  isDisabled,
}: NonNullable<Inspection['secret']>): string {
  const state = retiresAt === null ? 'signs' : `verifies until ${timeText(retiresAt)}`
  return `of ${tenant}${isDisabled ? ' (disabled)' : ''}, generation ${generation}, created ${timeText(createdAt)}; ${state}`
}

function inspectionJson({ kind, accepted, refusal, grants, header, claims, checks, secret }: Inspection): object {
  const found = { kind, accepted, refusal, grants, header, claims, checks }
  if (secret === null) return { ...found, secret }
  const { tenant, generation, createdAt, retiresAt, reissueRequired, isDisabled } = secret
  const times = { created_at: timeText(createdAt), retires_at: retiresAt === null ? null : timeText(retiresAt) }
  const flags = { disabled: isDisabled, reissue_required: reissueRequired }
  return { ...found, secret: { tenant, generation, ...times, ...flags } }
}

function say(value: unknown): string {
  return value === undefined ? '-' : printable(JSON.stringify(value))
}

function secondsText(value: unknown): string {
  const ms = typeof value === 'number' ? value * 1000 : Number.NaN
  return Math.abs(ms) <= 8.64e15 ? timeText(ms) : say(value)
}

function refused({ code, message, hint }: NonNullable<Inspection['refusal']>): StartupFailure {
  return new StartupFailure('token_refused', `${message} (${code})`, hint)
}
