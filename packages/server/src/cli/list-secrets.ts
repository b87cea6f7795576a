import type { Command } from 'commander'
import type { SecretDescription, TenantDescription } from 'latchkey'
import { accountFailures } from '../accounts/failures.js'
import type { CommandContext } from './command-context.js'
import { tenantIdOf } from './tenant-id-of.js'
import { columns, jsonOption, print, timeText } from './terminal/print.js'
import { withService } from './with-service.js'

/** Adds `latchkey secrets list <tenant>`. */
export function addListSecrets(parent: Command, context: CommandContext): void {
  parent
    .command('list')
    .description('list versions and dates of the secrets of an account or client; never a secret')
    .argument('<tenant>', 'ID of an account or client, or e-mail address')
    .option(...jsonOption)
    .action((tenant: string, options: { json?: boolean }) =>
      withService(context, async (service) => {
        const described = await service.keys.describe(await tenantIdOf(service, tenant))
        if (described === undefined) throw accountFailures.refusal('account_unknown')
        print({ json: jsonOf(described), text: textOf(described) }, options, context)
      }),
    )
}

function textOf({ tenant, version, secrets, disabledAt }: TenantDescription): string {
  const head = `${tenant}, version ${version}${disabledAt === null ? '' : `, disabled ${timeText(disabledAt)}`}`
  const titles = ['KID', 'GENERATION', 'MASTER KEY', 'CREATED', 'VERIFIES UNTIL']
  const rows = secrets.map((secret) => [
    secret.kid,
    String(secret.generation),
    secret.masterKeyId,
    timeText(secret.createdAt),
    secret.retiresAt === null ? 'signs' : timeText(secret.retiresAt),
  ])
  return `${head}\n${columns([titles, ...rows])}`
}

function jsonOf({ tenant, version, secrets, disabledAt }: TenantDescription): object {
  const disabled = disabledAt === null ? null : timeText(disabledAt)
  return { tenant, version, disabled_at: disabled, secrets: secrets.map(secretJson) }
}

function secretJson({ kid, generation, algorithm, masterKeyId, createdAt, retiresAt }: SecretDescription): object {
  const times = { created_at: timeText(createdAt), retires_at: retiresAt === null ? null : timeText(retiresAt) }
  return { kid, generation, algorithm, master_key_id: masterKeyId, ...times }
}
