import { type Configuration, readConfiguration } from '../config/configuration.js'
import { openService, type Service } from '../service.js'
import type { CommandContext } from './command-context.js'

/** Does work on the database that the environment names, beside running servers, and closes it again. */
export async function withService<T>(
  { env }: CommandContext,
  work: (service: Service, configuration: Configuration) => Promise<T>,
): Promise<T> {
  const configuration = readConfiguration(env)
  const service = await openService(configuration)
  try {
    return await work(service, configuration)
  } finally {
    await service.close()
  }
}
