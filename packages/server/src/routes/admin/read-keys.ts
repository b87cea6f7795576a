import type { KeyInventoryReader } from '../../admin/key-inventory.js'
import { encryptionLimit } from '../../database/master-keys/encryption-limit.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { timeAnswer } from '../answers.js'
import { forAdmin, refusals } from '../refusals.js'
import { byToken } from '../schemas.js'

const masterKeyId = Type.String({ description: 'The master key that encrypts it.' })

const schema = {
  tags: ['administration'],
  operationId: 'readKeys',
  summary: 'List master keys, key pairs and kept keys by their IDs and versions, without any key',
  security: byToken,
  response: {
    200: Type.Object({
      master_keys: Type.Array(
        Type.Object({
          id: Type.String(),
          in_ring: Type.Boolean({ description: 'Whether the server that answers has the key.' }),
          encrypts: Type.Boolean({ description: 'Whether it encrypts new values; the other keys only decrypt.' }),
          needed: Type.Boolean({ description: 'Whether a stored value is encrypted with it.' }),
          secrets: Type.Integer({ description: 'The secrets of accounts and clients that it encrypts.' }),
          encryptions: Type.Integer({ description: 'About how many values it has ever encrypted.' }),
        }),
        { description: 'The key ring of the server that answers, newest first, and the keys that are missing in it.' },
      ),
      encryption_limit: Type.Integer({ description: 'The encryptions for which a master key is safe.' }),
      key_pairs: Type.Array(
        Type.Object({
          kid: Type.String({ description: 'The key ID in the header of tokens for other services.' }),
          algorithm: Type.String(),
          stage: Type.Enum(['next', 'current', 'previous'], {
            description: 'The next one will sign, the current one signs, previous ones verify.',
          }),
          master_key_id: masterKeyId,
          created_at: Type.String({ format: 'date-time' }),
          retires_at: Type.Union([
            Type.String({ format: 'date-time', description: 'A previous one verifies until then.' }),
            Type.Null(),
          ]),
        }),
      ),
      kept_keys: Type.Array(
        Type.Object({
          name: Type.String(),
          stage: Type.Enum(['next', 'current', 'ending', 'retired'], {
            description:
              'Of its replacement. next: accepted and not used yet; ending: its sessions and tokens are being ended; ' +
              'retired: refused.',
          }),
          master_key_id: masterKeyId,
        }),
        { description: 'The versions of the keys that all servers share.' },
      ),
    }),
    ...refusals(...forAdmin),
  },
}

/** GET /v1/admin/keys */
export function addReadKeys(app: App, keyInventory: KeyInventoryReader): void {
  app.get('/v1/admin/keys', { schema }, async () => {
    const { masterKeys, keyPairs, keptKeys } = await keyInventory.read()
    return {
      master_keys: masterKeys.map(({ id, isInRing, encrypts, isNeeded, secrets, encryptions }) => ({
        id,
        in_ring: isInRing,
        encrypts,
        needed: isNeeded,
        secrets,
        encryptions,
      })),
      encryption_limit: encryptionLimit,
      key_pairs: keyPairs.map(({ kid, algorithm, stage, masterKeyId, createdAt, retiresAt }) => ({
        kid,
        algorithm,
        stage,
        master_key_id: masterKeyId,
        created_at: timeAnswer(createdAt),
        retires_at: retiresAt === null ? null : timeAnswer(retiresAt),
      })),
      kept_keys: keptKeys.map(({ name, stage, masterKeyId }) => ({ name, stage, master_key_id: masterKeyId })),
    }
  })
}
