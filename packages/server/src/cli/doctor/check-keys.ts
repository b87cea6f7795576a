import { setTimeout as sleep } from 'node:timers/promises'
import { Keyring, type SealedCheck, type TenantSecrets, tenantSecrets } from 'latchkey'
import type { SqlStore } from 'latchkey/sql'
import type { Configuration } from '../../config/configuration.js'
import { encryptionLimit, encryptionWarning } from '../../database/master-keys/encryption-limit.js'
import { type Finding, fail, ok, said, warn } from './finding.js'

/** Whether the change feed makes its round, and whether the master keys open all that is stored. The schema must be of this version. */
export async function checkKeys(
  store: SqlStore,
  masterKeys: string,
  { maxStalenessMs }: Configuration,
): Promise<Finding[]> {
  const keys = tenantSecrets({ store, masterKeys, maxStaleness: maxStalenessMs })
  try {
    await keys.ready()
    const feed = await checkFeed(keys, maxStalenessMs)
    const findings = judge(await keys.checkSealed(), masterKeys, await store.masterKeyIds())
    return [feed, ...findings, checkUse(masterKeys, await store.sealCounts())]
  } catch (error) {
    const remedy = 'Look the code up in docs/errors.md; nothing can be verified like this.'
    return [fail('keys', said(error), remedy)]
  } finally {
    await keys.close()
  }
}

/** Whether the master key that encrypts has done so too often. */
function checkUse(masterKeys: string, counts: ReadonlyMap<string, number>): Finding {
  const { newestId } = Keyring.parse(masterKeys)
  const count = counts.get(newestId) ?? 0
  const share = ((count / encryptionLimit) * 100).toFixed(2)
  const detail = `${newestId} has encrypted about ${count.toLocaleString('en')} values, ${share} % of its limit`
  if (count < encryptionWarning) return ok('master key use', detail)
  const remedy = 'Change the key as docs/runbook-master-keys.md says: past the limit encryption is no longer safe.'
  return count < encryptionLimit ? warn('master key use', detail, remedy) : fail('master key use', detail, remedy)
}

/** A numbered notice through the database and back, as the feed of every server sends it. */
async function checkFeed(keys: TenantSecrets, maxStalenessMs: number): Promise<Finding> {
  const began = performance.now()
  while (performance.now() - began < 2 * maxStalenessMs) {
    if (keys.feedAgeMs <= maxStalenessMs) {
      return ok('change feed', `made its round in ${Math.round(performance.now() - began)} ms`)
    }
    await sleep(5)
  }
  const remedy = 'Connect to PostgreSQL itself or by a pooler in session mode: LISTEN needs a session of its own.'
  return fail('change feed', 'a notice did not come back in time', remedy)
}

function judge(
  { opened, failed, masterKeys: sealed }: SealedCheck,
  masterKeys: string,
  needed: readonly string[],
): Finding[] {
  const ring = masterKeys.split(',').map((entry) => entry.trim().split(':')[0] ?? '')
  const failures = Object.entries(failed).map(([code, count]) => `${count} ${code}`)
  const findings: Finding[] = []
  if (failures.length > 0) {
    const remedy = 'Add the master key that is missing, or restore a backup: these accounts cannot be verified.'
    findings.push(fail('secrets', `${failures.join(', ')} of ${opened + failures.length}`, remedy))
  } else findings.push(ok('secrets', `all ${opened} open`))
  const [newest = '', ...older] = ring
  const stillNeeded = older.filter((id) => needed.includes(id))
  const idle = older.filter((id) => !needed.includes(id))
  const counts = stillNeeded.map((id) => `${id} (${sealed[id] ?? 0} secrets)`)
  if (stillNeeded.length > 0) {
    findings.push(
      warn('master keys', `still needed: ${counts.join(', ')}`, 'Run "latchkey secrets rewrap" to come to the newest.'),
    )
  } else {
    const others = idle.length === 0 ? '' : `; ${idle.join(', ')} seals nothing: it is new, or not needed any more`
    findings.push(ok('master keys', `everything is under ${newest}${others}`))
  }
  return findings
}
