import { databaseSettings } from '../../config/database-settings.js'
import type { MasterKeyProvider } from './master-key-provider.js'

/** Keys that the environment holds, or a file that it names: the configuration has read and checked them. */
export function environmentKeys(masterKeys: string): MasterKeyProvider {
  return { place: databaseSettings.masterKeys.name, read: async () => masterKeys }
}
