import { randomBytes } from 'node:crypto'
import type { SealedSetting, TenantStore } from '../secrets/ports.js'
import { rowName, type StoredKeys } from '../secrets/stored-keys.js'

/** How far a replacement of all keys has come. */
export interface KeyReplacementProgress {
  /** `announce`: the next keys are published. `switch`: they take over. `replace`: tenants get new secrets. `finish`: what is left ends. */
  readonly step: 'announce' | 'switch' | 'replace' | 'finish'
  /** Tenants looked at, of `total`; both are 0 before the step `replace`. */
  readonly done: number
  readonly total: number
}

/** Options of `replaceKeys`. */
export interface ReplaceKeysOptions {
  /** Stops it after the step at hand; the next call goes on from there. */
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: KeyReplacementProgress) => void
  /**
   * Ends what else rests on the replaced keys. Called once every process uses the new ones, and again
   * by the call that follows an interruption.
   */
  readonly end?: () => Promise<void>
}

/** What a replacement works with. */
export interface KeyReplacement {
  readonly store: Pick<TenantStore, 'changeSettings' | 'readDue' | 'countDue'>
  readonly keys: StoredKeys
  /** Resolves once no process uses what was changed before. */
  readonly waitForPropagation: () => Promise<void>
  /** Gives those of these tenants new secrets whose secrets rest on a replaced key; returns how many. */
  readonly replaceSecrets: (tenants: readonly string[]) => Promise<number>
}

/** Tenants per transaction: short enough that nothing beside it waits long. */
const stepSize = 100

const always = Number.MAX_SAFE_INTEGER

/**
 * Replaces all keys and every tenant's secret; returns how many tenants got a new one. How far it has
 * come stands in the names of the keys' rows, so that any process can go on with it at any time.
 */
export async function replaceKeys(
  { store, keys, waitForPropagation, replaceSecrets }: KeyReplacement,
  { signal, onProgress, end }: ReplaceKeysOptions,
): Promise<number> {
  const isStopped = () => signal?.aborted === true
  const report = (step: KeyReplacementProgress['step'], done = 0, total = 0) => onProgress?.({ step, done, total })
  report('announce')
  await store.changeSettings((rows) => announced(rows, keys))
  // Every process accepts the next keys before one makes anything with them.
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

/** The rows with a next version of each key; the same rows while an earlier replacement still ends what was before. */
function announced(rows: Rows, keys: StoredKeys): Rows {
  const byName = new Map(rows.map((row) => [row.name, row]))
  const names = [...keys.names].filter((name) => byName.has(name))
  if (names.some((name) => byName.has(rowName('ending', name)))) return rows
  const missing = names.map((name) => rowName('next', name)).filter((name) => !byName.has(name))
  return missing.length === 0 ? rows : [...rows, ...missing.map((name) => keys.seal(name, randomBytes(32)))]
}

/** The rows with each next version in the place of the current one, which begins to end. */
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

/** The rows once everything has ended that rested on what was replaced. */
function finished(rows: Rows, keys: StoredKeys): Rows {
  const names = new Map([...keys.names].map((name) => [rowName('ending', name), rowName('retired', name)]))
  if (!rows.some((row) => names.has(row.name))) return rows
  return rows.map((row) => {
    const name = names.get(row.name)
    return name === undefined ? row : keys.seal(name, keys.open(row))
  })
}
