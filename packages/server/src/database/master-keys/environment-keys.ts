import { databaseSettings } from '../../config/database-settings.js'
import type { MasterKeyProvider } from './master-key-provider.js'

/**
 * Provides keys from the environment or from a file that it names. The configuration has validated
 * them.
 */
export function environmentKeys(masterKeys: string): MasterKeyProvider {
  return { place: databaseSettings.masterKeys.name, read: async () => masterKeys }
}
