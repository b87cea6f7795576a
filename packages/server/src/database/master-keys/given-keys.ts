import type { GivenMasterKeys } from '../../config/configuration.js'
import { environmentKeys } from './environment-keys.js'
import { kmsKeys } from './kms-keys.js'
import type { MasterKeyProvider } from './master-key-provider.js'

/** Returns the provider for configured keys, wrapped or not. */
export function givenKeys(given: GivenMasterKeys): MasterKeyProvider {
  return typeof given === 'string' ? environmentKeys(given) : kmsKeys(given.wrapped, given.key)
}
