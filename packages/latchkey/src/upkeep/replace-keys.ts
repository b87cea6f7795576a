import { randomBytes } from 'node:crypto'
import type { SealedSetting, TenantStore } from '../secrets/ports.js'
import { rowName, type StoredKeys } from '../secrets/stored-keys.js'

/** The progress of a replacement of all keys. */
export interface KeyReplacementProgress {
  /**
   * `announce`: publishes the next keys. `switch`: makes them current. `replace`: replaces tenants'
   * secrets. `finish`: ends the old keys.
   */
  readonly step: 'announce' | 'switch' | 'replace' | 'finish'
  /** Tenants processed, of `total`; both are 0 before the step `replace`. */
  readonly done: number
  readonly total: number
}

/** Options of `replaceKeys`. */
export interface ReplaceKeysOptions {
  /** Stops after the current step; the next call continues from there. */
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: KeyReplacementProgress) => void
  /**
   * Ends whatever else depends on the replaced keys. Called when every process uses the new ones,
   * and again by the call that follows an interruption.
   */
  readonly end?: () => Promise<void>
}

/** The parts of a replacement. */
export interface KeyReplacement {
  readonly store: Pick<TenantStore, 'changeSettings' | 'readDue' | 'countDue'>
  readonly keys: StoredKeys
  /** Resolves once no process uses what was changed before. */
  readonly waitForPropagation: () => Promise<unknown>
  /** Replaces secrets of these tenants that depend on a replaced key; returns how many tenants. */
  readonly replaceSecrets: (tenants: readonly string[]) => Promise<number>
}

/** Tenants per transaction: few, so that other transactions wait only briefly. */
const stepSize = 100

const always = Number.MAX_SAFE_INTEGER

/**
 * Replaces all keys and every tenant's secret; returns the number of tenants with a new one. The
 * progress is in the names of the keys' rows, so that any process can continue at any time.
 */
export async function replaceKeys(
  { store, keys, waitForPropagation, replaceSecrets }: KeyReplacement,
  { signal, onProgress, end }: ReplaceKeysOptions,
): Promise<number> {
  const isStopped = () => signal?.aborted === true
  const report = (step: KeyReplacementProgress['step'], done = 0, total = 0) => onProgress?.({ step, done, total })
  report('announce')
  await store.changeSettings((rows) => announced(rows, keys))
  // Every process accepts the next keys before any process uses them.
  await waitForPropagation()
  if (isStopped()) return 0
  report('switch')
  await store.changeSettings((rows) => switched(rows, keys))
  await waitForPropagation()
  await keys.ensure()
  if (isStopped()) return 0
  await end?.()
  const total = await store.countDue(always)
  let [replaced, done, after] = [0, 0, '']
  for (;;) {
    if (isStopped()) return replaced
    report('replace', done, total)
    const tenants = await store.readDue(always, after, stepSize)
    after = tenants.at(-1) ?? after
    if (tenants.length === 0) break
    replaced += await replaceSecrets(tenants)
    done += tenants.length
  }
  report('finish', done, total)
  await store.changeSettings((rows) => finished(rows, keys))
  await waitForPropagation()
  return replaced
}

type Rows = readonly SealedSetting[]

/** Adds a next version of each key, unless an earlier replacement is still running. */
function announced(rows: Rows, keys: StoredKeys): Rows {
  const byName = new Map(rows.map((row) => [row.name, row]))
  const names = [...keys.names].filter((name) => byName.has(name))
  if (names.some((name) => byName.has(rowName('ending', name)))) return rows
  const missing = names.map((name) => rowName('next', name)).filter((name) => !byName.has(name))
  return missing.length === 0 ? rows : [...rows, ...missing.map((name) => keys.seal(name, randomBytes(32)))]
}

/** Makes each next version the current one, and the current one the ending one. */
function switched(rows: Rows, keys: StoredKeys): Rows {
  const byName = new Map(rows.map((row) => [row.name, row]))
  const moved = [...keys.names].flatMap((name) => {
    const [current, next] = [byName.get(name), byName.get(rowName('next', name))]
    return current === undefined || next === undefined ? [] : [{ name, current, next }]
  })
  if (moved.length === 0) return rows
  const gone = new Set(moved.flatMap(({ name }) => [name, rowName('next', name), rowName('retired', name)]))
  return [
    ...rows.filter(({ name }) => !gone.has(name)),
    ...moved.flatMap(({ name, current, next }) => [
      keys.seal(name, keys.open(next)),
      keys.seal(rowName('ending', name), keys.open(current)),
    ]),
  ]
}

/** Makes each ending version a retired one. */
function finished(rows: Rows, keys: StoredKeys): Rows {
  const names = new Map([...keys.names].map((name) => [rowName('ending', name), rowName('retired', name)]))
  if (!rows.some((row) => names.has(row.name))) return rows
  return rows.map((row) => {
    const name = names.get(row.name)
    return name === undefined ? row : keys.seal(name, keys.open(row))
  })
}
