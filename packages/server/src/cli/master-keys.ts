import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import { type MasterKeyConfiguration, readMasterKeyConfiguration } from '../config/configuration.js'
import { openDataFolder } from '../database/data-folder.js'
import { encryptionLimit } from '../database/master-keys/encryption-limit.js'
import { fileKeys } from '../database/master-keys/file-keys.js'
import { givenKeys } from '../database/master-keys/given-keys.js'
import { wrapKeys } from '../database/master-keys/kms-keys.js'
import { idsOf, withNewestKey, withNewKey, withoutKey } from '../database/master-keys/master-key-ring.js'
import { writePrivateFile } from '../database/private-file.js'
import { StartupFailure } from '../startup-failure.js'
import type { CommandContext } from './command-context.js'
import { columns, jsonOption, print } from './terminal/print.js'
import { withService } from './with-service.js'

interface RingOptions {
  readonly to?: string
}

type RingChange = (ring: string | undefined, configuration: MasterKeyConfiguration) => string

/** `latchkey master-keys add|promote|drop|wrap`: each makes a ring and changes nothing that is in use. */
export function addMasterKeys(parent: Command, context: CommandContext): void {
  const group = parent
    .command('master-keys')
    .description(
      'the keys that encrypt secrets at rest; these commands make a new ring, wrapped if LATCHKEY_KMS_KEY is set, and change nothing',
    )
  const addCommand = (name: string, description: string) =>
    group
      .command(name)
      .description(description)
      .option('--to <file>', 'write the ring to a new file that only its owner can read, instead of printing it')
  addCommand('add', 'the ring with a new key at its end, which opens and does not seal yet, or a first ring')
    .argument('<id>', 'ID of the new key')
    .action((id: string, options: RingOptions) => giveRing((ring) => withNewKey(ring, id), options, context))
  addCommand(
    'promote',
    'the ring with this key in front, which seals from then on; every server must know the key before',
  )
    .argument('<id>', 'ID of a key of the ring')
    .action((id: string, options: RingOptions) => giveRing((ring) => withNewestKey(ring ?? '', id), options, context))
  addCommand('drop', 'the ring without a key that nothing is encrypted under any more')
    .argument('<id>', 'ID of an older key')
    .action((id: string, options: RingOptions) => giveRing((ring) => withoutKey(ring ?? '', id), options, context))
  group
    .command('list')
    .description('the keys of the ring that is in use, and how much each has encrypted')
    .option(...jsonOption)
    .action((options: { json?: boolean }) => listKeys(options, context))
  addCommand('wrap', 'the ring encrypted under LATCHKEY_KMS_KEY').action((options: RingOptions) =>
    giveRing(checkWrappable, options, context),
  )
}

async function listKeys(options: { json?: boolean }, context: CommandContext): Promise<void> {
  await withService(context, async ({ database, store, keys }) => {
    const [counts, needed] = [await keys.encryptions(), await store.masterKeyIds()]
    const rows = idsOf(database.masterKeys).map((id, at) => ({
      id,
      encrypts: at === 0,
      needed: needed.includes(id),
      encryptions: counts.get(id) ?? 0,
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

/** Cloud KMS wraps the ring; one that is wrapped already, anew under the key's primary version. */
function checkWrappable(ring: string | undefined, { kmsKey }: MasterKeyConfiguration): string {
  if (ring !== undefined && kmsKey !== undefined) return ring
  const hint =
    'Set LATCHKEY_KMS_KEY, and the keys as LATCHKEY_MASTER_KEYS_FILE. "latchkey master-keys add k1" makes a first ring.'
  throw new StartupFailure('command_refused', 'There are no master keys, or no key to wrap them under.', hint)
}

/** A ring that comes from Cloud KMS goes back there: it is never given as it is. */
async function giveRing(change: RingChange, { to }: RingOptions, { env, stdout }: CommandContext): Promise<void> {
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
    `${path} exists already.`,
    'Choose another name; nothing is overwritten.',
  )
}

async function readRing({ masterKeys, folder }: MasterKeyConfiguration): Promise<string | undefined> {
  if (masterKeys !== undefined) return givenKeys(masterKeys).read()
  if (folder === undefined || !existsSync(join(resolve(folder), 'master.key'))) return undefined
  return fileKeys(openDataFolder(folder)).read()
}
