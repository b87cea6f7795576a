import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import { type Configuration, readConfiguration } from '../config/configuration.js'
import { currentOf } from '../config/setting-files.js'
import { databasePathIn } from '../database/data-folder.js'
import { openStore } from '../database/open-database.js'
import { checkConfiguration } from '../ops/checks/check-configuration.js'
import { checkDatabase } from '../ops/checks/check-database.js'
import { checkFolder } from '../ops/checks/check-folder.js'
import { checkKeys } from '../ops/checks/check-keys.js'
import { checkMail } from '../ops/checks/check-mail.js'
import { checkRedis } from '../ops/checks/check-redis.js'
import { type Finding, fail, ok } from '../ops/checks/finding.js'
import { StartupFailure } from '../startup-failure.js'
import type { CommandContext } from './command-context.js'
import { jsonOption, print } from './terminal/print.js'

/** Adds `latchkey doctor`. It changes nothing, and fails with `unhealthy` when a check fails. */
export function addDoctor(parent: Command, context: CommandContext): void {
  parent
    .command('doctor')
    .description(
      'check configuration, mail server, database, change feed, master keys, Redis and files, and print what to do',
    )
    .option(...jsonOption)
    .action(async (options: { json?: boolean }) => {
      const findings = (await examine(readConfiguration(context.env))).map(withCause)
      const failed = findings.filter(({ level }) => level === 'fail').length
      print({ json: { healthy: failed === 0, findings }, text: findings.map(lineOf).join('\n') }, options, context)
      if (failed > 0) throw unhealthy(failed)
    })
}

async function examine(configuration: Configuration): Promise<Finding[]> {
  const { database, redisUrl, mail } = configuration
  return [
    ...checkConfiguration(configuration),
    await checkMail(mail),
    ...(await checkFolder(database)),
    ...(await examineDatabase(configuration)),
    ...(await checkRedis(redisUrl === undefined ? undefined : currentOf(redisUrl))),
  ]
}

async function examineDatabase(configuration: Configuration): Promise<Finding[]> {
  const { database } = configuration
  if (database.kind === 'embedded' && !existsSync(databasePathIn(database.folder))) {
    return [ok('database', 'does not exist yet; "latchkey serve" creates it')]
  }
  const { store, place, keys } = await openStore(database)
  let findings: Finding[] = []
  try {
    findings = await checkDatabase(store, place)
    if (!findings.some(({ check, level }) => check === 'schema' && level === 'ok')) return findings
    const masterKeys = await keys.read()
    return [...findings, ...(await checkKeys(store, masterKeys, configuration))]
  } catch (error) {
    const hint = error instanceof StartupFailure ? error.hint : 'Look up the code in docs/reference/errors.md.'
    return [...findings, fail('master keys', 'cannot be read', hint, error)]
  } finally {
    await store.close()
  }
}

/** Returns a finding that says the cause as well. */
function withCause({ cause, detail, ...finding }: Finding): Finding {
  return { ...finding, detail: cause === undefined ? detail : `${detail}: ${cause}` }
}

function lineOf({ check, level, detail, remedy }: Finding): string {
  const line = `${level.padEnd(4)}  ${check.padEnd(16)}  ${detail}`
  return remedy === undefined ? line : `${line}\n      ${''.padEnd(16)}  ${remedy}`
}

function unhealthy(failed: number): StartupFailure {
  const message = `${failed} ${failed === 1 ? 'check' : 'checks'} failed.`
  return new StartupFailure(
    'unhealthy',
    message,
    'Follow the advice below each of them, and run "latchkey doctor" again.',
  )
}
