import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Configuration, readConfiguration } from '../config/configuration.js'
import { databasePathIn } from '../database/data-folder.js'
import { openService, type Service } from '../service.js'
import { StartupFailure } from '../startup-failure.js'
import type { CommandContext } from './command-context.js'

type Work<T> = (service: Service, configuration: Configuration) => Promise<T>

/**
 * Runs `work` on the configured database, beside running servers, and closes the database again. An
 * embedded database that does not exist is created.
 */
export async function withNewService<T>({ env }: CommandContext, work: Work<T>): Promise<T> {
  return runOn(readConfiguration(env), work)
}

/**
 * Runs `work` like `withNewService`, but creates nothing: it is for commands that need data.
 *
 * @throws StartupFailure `data_missing` if there is no embedded database
 */
export async function withService<T>({ env }: CommandContext, work: Work<T>): Promise<T> {
  const configuration = readConfiguration(env)
  checkData(configuration)
  return runOn(configuration, work)
}

async function runOn<T>(configuration: Configuration, work: Work<T>): Promise<T> {
  const service = await openService(configuration)
  try {
    return await work(service, configuration)
  } finally {
    await service.close()
  }
}

function checkData({ database }: Configuration): void {
  if (database.kind === 'postgres' || existsSync(databasePathIn(database.folder))) return
  throw new StartupFailure(
    'data_missing',
    `There is no data in ${resolve(database.folder)} yet.`,
    'Start the server with "latchkey serve", create an account with "latchkey admin create you@example.com", or set LATCHKEY_DATA_DIR to the folder that the server uses.',
  )
}
