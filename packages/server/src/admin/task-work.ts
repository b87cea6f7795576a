import { Keyring } from 'latchkey'
import type { Core } from '../core.js'
import { countUnderOlderKeys } from './key-inventory.js'
import { type KeyReplacementParts, replaceAllKeys } from './replace-keys.js'
import { revokeAllTenants } from './revoke-all-tenants.js'
import type { StoredTask, TaskKind } from './task-table.js'

/** The progress of a task since this server has claimed it. */
export interface TaskProgress {
  readonly step: string
  readonly done: number
  readonly total: number | null
}

/** A task that a server has claimed. */
export interface ClaimedTask extends Pick<StoredTask, 'startedAt' | 'startedBy' | 'done'> {
  readonly signal: AbortSignal
  readonly onProgress: (progress: TaskProgress) => void
}

/** The parts of other domains that the work uses. */
export interface TaskParts extends KeyReplacementParts, Core {
  readonly masterKeys: string
}

/** A clock of another server may be ahead by this much. */
const toleranceMs = 5000

/**
 * The work of each kind of task. Each one continues from the stored data when it is called again,
 * and resolves early once `signal` aborts.
 */
export const taskWork: Readonly<Record<TaskKind, (parts: TaskParts, task: ClaimedTask) => Promise<unknown>>> = {
  revoke_all: (parts, { startedAt, startedBy, done: before, signal, onProgress }) =>
    revokeAllTenants(parts, {
      madeBefore: startedAt + toleranceMs,
      // The administrator sees the progress until the end.
      last: startedBy,
      signal,
      onProgress: (done, total) => onProgress({ step: '', done: before + done, total: before + total }),
    }),
  replace_keys: (parts, { signal, onProgress }) =>
    replaceAllKeys(parts, {
      signal,
      onProgress: ({ step, done, total }) => onProgress({ step, done, total: total === 0 ? null : total }),
    }),
  rewrap: async ({ store, keys, masterKeys }, { done: before, signal, onProgress }) => {
    const total = before + (await countUnderOlderKeys(store, Keyring.parse(masterKeys).newestId))
    onProgress({ step: '', done: before, total })
    await keys.rewrap({ signal, onProgress: (moved) => onProgress({ step: '', done: before + moved, total }) })
  },
}
