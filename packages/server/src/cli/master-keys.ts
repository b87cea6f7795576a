import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type MasterKeyConfiguration, readMasterKeyConfiguration } from '../config/configuration.js'
import { openDataFolder } from '../database/data-folder.js'
import { fileKeys } from '../database/master-keys/file-keys.js'
import { givenKeys } from '../database/master-keys/given-keys.js'
import { wrapKeys } from '../database/master-keys/kms-keys.js'
import { withNewKey, withoutKey } from '../database/master-keys/master-key-ring.js'
import { StartupFailure } from '../startup-failure.js'
import type { Surroundings } from './surroundings.js'

/** `latchkey master-keys add <id>`: prints the ring with a new key in front, or a first ring where there is none. Changes nothing. */
export function addMasterKey(id: string, surroundings: Surroundings): Promise<void> {
  return printRing(surroundings, (ring) => withNewKey(ring, id))
}

/** `latchkey master-keys drop <id>`: prints the ring without an older key, which no stored value may need any more. Changes nothing. */
export function dropMasterKey(id: string, surroundings: Surroundings): Promise<void> {
  return printRing(surroundings, (ring) => withoutKey(ring ?? '', id))
}

/** `latchkey master-keys wrap`: prints the ring encrypted by Cloud KMS; one that is wrapped already, anew under the key's primary version. */
export function wrapMasterKeys(surroundings: Surroundings): Promise<void> {
  return printRing(surroundings, (ring, { kmsKey }) => {
    if (ring !== undefined && kmsKey !== undefined) return ring
    const hint =
      'Set LATCHKEY_KMS_KEY, and the keys as LATCHKEY_MASTER_KEYS_FILE. "latchkey master-keys add k1" makes a first ring.'
    throw new StartupFailure('command_refused', 'There are no master keys, or no key to wrap them under.', hint)
  })
}

/** A ring that comes from Cloud KMS goes back there: it is never printed as it is. */
async function printRing(
  { env, stdout }: Surroundings,
  change: (ring: string | undefined, configuration: MasterKeyConfiguration) => string,
): Promise<void> {
  const configuration = readMasterKeyConfiguration(env)
  const { kmsKey } = configuration
  const ring = change(await readRing(configuration), configuration)
  stdout.write(`${kmsKey === undefined ? ring.replaceAll(',', '\n') : await wrapKeys(ring, kmsKey)}\n`)
}

async function readRing({ masterKeys, folder }: MasterKeyConfiguration): Promise<string | undefined> {
  if (masterKeys !== undefined) return givenKeys(masterKeys).read()
  if (folder === undefined || !existsSync(join(resolve(folder), 'master.key'))) return undefined
  return fileKeys(openDataFolder(folder)).read()
}
