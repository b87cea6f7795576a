import { readConfiguration } from '../config/configuration.js'
import { openDatabase } from '../database/open-database.js'
import type { Surroundings } from './surroundings.js'

/**
 * `latchkey migrate`: brings the database up to this version and ends, so that a deployment can do it once, before the servers start.
 * Running twice, or several at once, is harmless.
 */
export async function migrate(surroundings: Surroundings): Promise<void> {
  const { database } = readConfiguration(surroundings.env)
  const { store, place } = await openDatabase(database)
  await store.close()
  surroundings.stdout.write(`The tables in ${place} are those of this version.\n`)
}
