import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import { type MasterKeyConfiguration, readMasterKeyConfiguration } from '../config/configuration.js'
import { openDataFolder } from '../database/data-folder.js'
import { encryptionLimit } from '../database/master-keys/encryption-limit.js'
import { fileKeys } from '../database/master-keys/file-keys.js'
import { givenKeys } from '../database/master-keys/given-keys.js'
import { wrapKeys } from '../database/master-keys/kms-keys.js'
import { withNewestKey, withNewKey, withoutKey } from '../database/master-keys/master-key-ring.js'
import { writePrivateFile } from '../database/private-file.js'
import { StartupFailure } from '../startup-failure.js'
import type { CommandContext } from './command-context.js'
import { columns, jsonOption, print } from './terminal/print.js'
import { withService } from './with-service.js'

interface RingOptions {
  readonly to?: string
}

type RingChange = (ring: string | undefined, configuration: MasterKeyConfiguration) => string

/**
 * Adds `latchkey master-keys …`. The commands print a new key ring and change nothing that is in
 * use.
 */
export function addMasterKeys(parent: Command, context: CommandContext): void {
  const group = parent
    .command('master-keys')
    .description(
      'the keys that encrypt secrets at rest; these commands print a new key ring, wrapped if LATCHKEY_KMS_KEY is set, and change nothing',
    )
  const addCommand = (name: string, description: string) =>
    group
      .command(name)
      .description(description)
      .option('--to <file>', 'write the key ring to a new file that only its owner can read, instead of printing it')
  addCommand(
    'add',
    'print the key ring with a new key at its end, which decrypts and does not encrypt yet, or a first key ring',
  )
    .argument('<id>', 'ID of the new key')
    .action((id: string, options: RingOptions) => writeRing((ring) => withNewKey(ring, id), options, context))
  addCommand(
    'promote',
    'print the key ring with this key in front, which then encrypts; every server must have the key before',
  )
    .argument('<id>', 'ID of a key of the key ring')
    .action((id: string, options: RingOptions) => writeRing((ring) => withNewestKey(ring ?? '', id), options, context))
  addCommand('drop', 'print the key ring without an older key, which must no longer be in use')
    .argument('<id>', 'ID of an older key')
    .action((id: string, options: RingOptions) => writeRing((ring) => withoutKey(ring ?? '', id), options, context))
  group
    .command('list')
    .description('list the keys of the key ring in use, and how many values each has encrypted')
    .option(...jsonOption)
    .action((options: { json?: boolean }) => listKeys(options, context))
  addCommand('wrap', 'print the key ring encrypted with LATCHKEY_KMS_KEY').action((options: RingOptions) =>
    writeRing(checkWrappable, options, context),
  )
}

async function listKeys(options: { json?: boolean }, context: CommandContext): Promise<void> {
  await withService(context, async ({ keyInventory }) => {
    const inRing = (await keyInventory.readMasterKeys()).filter(({ isInRing }) => isInRing)
    const rows = inRing.map(({ id, encrypts, isNeeded, encryptions }) => ({
      id,
      encrypts,
      needed: isNeeded,
      encryptions,
    }))
    const lines = rows.map(({ id, encrypts, needed, encryptions }) => [
      id,
      encrypts ? 'encrypts' : 'decrypts',
      needed ? 'needed' : 'not needed',
      encryptions.toLocaleString('en'),
      `${((encryptions / encryptionLimit) * 100).toFixed(2)} %`,
    ])
    const text = columns([['ID', 'USE', 'STORED VALUES', 'ENCRYPTIONS', 'OF THE LIMIT'], ...lines])
    print({ json: { master_keys: rows }, text }, options, context)
  })
}

/**
 * Checks that there are master keys and a key of Cloud KMS. A wrapped ring is wrapped again with
 * the key's primary version.
 */
function checkWrappable(ring: string | undefined, { kmsKey }: MasterKeyConfiguration): string {
  if (ring !== undefined && kmsKey !== undefined) return ring
  const hint =
    'Set LATCHKEY_KMS_KEY, and the keys as LATCHKEY_MASTER_KEYS_FILE. "latchkey master-keys add k1" prints a first key ring.'
  throw new StartupFailure('command_refused', 'Master keys, or the key to wrap them with, are missing.', hint)
}

/** Prints or writes the changed ring. With a key of Cloud KMS it is never printed in the clear. */
async function writeRing(change: RingChange, { to }: RingOptions, { env, stdout }: CommandContext): Promise<void> {
  const configuration = readMasterKeyConfiguration(env)
  const { kmsKey } = configuration
  const ring = change(await readRing(configuration), configuration)
  const text = `${kmsKey === undefined ? ring.replaceAll(',', '\n') : await wrapKeys(ring, kmsKey)}\n`
  if (to === undefined) stdout.write(text)
  else if (!writePrivateFile(resolve(to), text)) throw fileExists(to)
}

function fileExists(path: string): StartupFailure {
  return new StartupFailure(
    'command_refused',
    `${path} already exists.`,
    'Choose another name: files are never overwritten.',
  )
}

async function readRing({ masterKeys, folder }: MasterKeyConfiguration): Promise<string | undefined> {
  if (masterKeys !== undefined) return givenKeys(masterKeys).read()
  if (folder === undefined || !existsSync(join(resolve(folder), 'master.key'))) return undefined
  return fileKeys(openDataFolder(folder)).read()
}
