import { setTimeout as sleep } from 'node:timers/promises'
import { Keyring, type SealedCheck, type TenantSecrets, tenantSecrets } from 'latchkey'
import type { SqlStore } from 'latchkey/sql'
import type { Configuration } from '../../config/configuration.js'
import { encryptionLimit, encryptionWarning } from '../../database/master-keys/encryption-limit.js'
import { type Finding, fail, ok, warn } from './finding.js'

/** Checks the change feed and the master keys. The schema must be of this version. */
export async function checkKeys(
  store: SqlStore,
  masterKeys: string,
  { maxStalenessMs }: Configuration,
): Promise<Finding[]> {
  const keys = tenantSecrets({ store, masterKeys, maxStaleness: maxStalenessMs })
  try {
    await keys.ready()
    const feed = await checkFeed(keys, maxStalenessMs)
    const sealed = await keys.checkSealed()
    const ring = checkRing(masterKeys, await store.masterKeyIds(), sealed)
    return [feed, checkSecrets(sealed), ring, checkUse(masterKeys, await store.sealCounts())]
  } catch (error) {
    const remedy = 'Look up the code in docs/reference/errors.md. No token can be verified until this is solved.'
    return [fail('keys', 'cannot be read', remedy, error)]
  } finally {
    await keys.close()
  }
}

/**
 * Checks how often the newest master key has encrypted: AES-GCM is safe for a limited number of
 * times.
 */
export function checkUse(masterKeys: string, counts: ReadonlyMap<string, number>): Finding {
  const { newestId } = Keyring.parse(masterKeys)
  const count = counts.get(newestId) ?? 0
  const share = ((count / encryptionLimit) * 100).toFixed(2)
  const detail = `${newestId} has encrypted about ${count.toLocaleString('en')} values, ${share} % of the limit`
  if (count < encryptionWarning) return ok('master key use', detail)
  const remedy = 'Change the key as docs/guides/runbook-master-keys.md shows: encryption is not safe beyond the limit.'
  return count < encryptionLimit ? warn('master key use', detail, remedy) : fail('master key use', detail, remedy)
}

/** Waits until the change feed has read the log. */
async function checkFeed(keys: TenantSecrets, maxStalenessMs: number): Promise<Finding> {
  const began = performance.now()
  while (performance.now() - began < 2 * maxStalenessMs) {
    if (keys.feedAgeMs <= maxStalenessMs) {
      return ok('change feed', `read in ${Math.round(performance.now() - began)} ms`)
    }
    await sleep(5)
  }
  const remedy = 'The database must be the primary, and answer within this time: look at its load.'
  return fail('change feed', `not read within ${2 * maxStalenessMs} ms`, remedy)
}

function checkSecrets({ opened, failed }: SealedCheck): Finding {
  const failures = Object.entries(failed)
  const failedCount = failures.reduce((sum, [, count]) => sum + count, 0)
  const total = opened + failedCount
  if (failures.length === 0) return ok('secrets', `${opened} of ${total} secrets decrypt`)
  const codes = failures.map(([code, count]) => `${count} ${code}`).join(', ')
  const remedy = 'Add the missing master key, or restore a backup: the tokens of these accounts cannot be verified.'
  return fail('secrets', `${failedCount} of ${total} secrets do not decrypt (${codes})`, remedy)
}

/**
 * Checks whether everything is encrypted with the newest master key.
 *
 * @param needed - The IDs of the master keys that encrypt anything.
 * @param sealed - The number of secrets under each of them, if they were counted.
 */
export function checkRing(masterKeys: string, needed: readonly string[], sealed?: SealedCheck): Finding {
  const [newest = '', ...older] = masterKeys.split(',').map((entry) => entry.trim().split(':')[0] ?? '')
  const stillNeeded = older.filter((id) => needed.includes(id))
  const idle = older.filter((id) => !needed.includes(id))
  if (stillNeeded.length > 0) {
    const counts = stillNeeded.map((id) => (sealed ? `${id} (${sealed.masterKeys[id] ?? 0} secrets)` : id))
    const remedy = 'Run "latchkey secrets rewrap" to encrypt all with the newest key.'
    return warn('master keys', `older keys are in use: ${counts.join(', ')}`, remedy)
  }
  const others = idle.length === 0 ? '' : `; ${idle.join(', ')} encrypts nothing: it is new, or no longer needed`
  return ok('master keys', `all encrypted with master key ${newest}${others}`)
}
