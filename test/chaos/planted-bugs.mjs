/**
 * Loads the library with a bug in it: `CHAOS_PLANT=… node --import …/planted-bugs.mjs`. The built
 * file on disk stays unchanged. Fails when the line that the bug replaces does not exist any more.
 */
import * as modules from 'node:module'
import { isMainThread } from 'node:worker_threads'

const feed = '/stores/sql/log-feed.js'
const log = '/stores/sql/change-log.js'
const history = '/stores/sql/history.js'

/** For each bug, the lines that it replaces. */
const bugs = {
  // Changes are ignored, and the feed still counts as fresh.
  'feed-ignored': [{ file: feed, line: 'this.#listener.changed(change)', bug: 'undefined' }],
  // Changes of transactions that were open during the read before are missed.
  'open-ignored': [{ file: log, line: 'list(since?.open ?? [])', bug: 'list([])' }],
  // Changes that were pruned before they were read are missed.
  'gap-ignored': [
    {
      file: log,
      line: 'position.prunedTo !== since.prunedTo && position.prunedTo > since.xmin',
      bug: 'false',
    },
  ],
  // A read continues at the position of another history. Each check finds what the others find.
  'epoch-ignored': [
    { file: log, line: 'since.history !== position.history || position.xmax < since.xmax', bug: 'false' },
    { file: history, line: 'this.#options.onNewer()', bug: 'undefined' },
  ],
  // Rows of an old primary are used by a process that has read from the new one.
  'old-primary-read': [
    {
      file: history,
      line: 'if (before !== undefined && epoch < before && nowMs - this.#seenAtMs <= forgetAfterMs)',
      bug: 'if (epoch < before) return; if (false)',
    },
  ],
  // Data counts as fresh as of the end of a read.
  'proof-from-end': [{ file: feed, line: 'this.#listener.proved(asOf)', bug: 'this.#listener.proved(instant())' }],
  // A read that has failed counts as one without changes.
  'failed-read-counts': [
    {
      file: feed,
      line: 'this.#failures += 1',
      bug: 'this.#failures += 1, this.#listener.proved(this.#options.instant())',
    },
  ],
  // A request is acknowledged before the changes that were read with it are applied.
  'acknowledged-early': [
    { file: feed, line: 'this.#deliver(reading)', bug: 'setTimeout(() => this.#deliver(reading), 500)' },
  ],
  // A writer does not wait for silent verifiers.
  'silent-not-awaited': [
    {
      file: '/tenants/wait-for-acknowledgements.js',
      line: 'elapsedMs() <= maxStalenessMs + earlyMs',
      bug: 'elapsedMs() <= 20',
    },
  ],
  // Data of any age is accepted.
  'age-ignored': [
    {
      file: '/tenants/freshness.js',
      line: 'elapsedMs(this.#clock, instant, nowMs) <= this.#maxStalenessMs',
      bug: 'true',
    },
  ],
  // Entries of the shared cache are not compared with the tenant's version.
  'versions-ignored': [
    {
      file: '/tenants/shared-tenants.js',
      line: 'record.version >= Math.max(this.#newest.get(record.tenant) ?? 0, this.#minimum.versionOf(record.tenant))',
      bug: 'true',
    },
  ],
  // A process does not read earlier changes when it starts.
  'history-ignored': [{ file: '/tenants/shared-tenants.js', line: 'version } of changes)', bug: 'version } of [])' }],
}

/** Hints may be lost. With them, a process would apply most changes in spite of its bug. */
const withoutHints = { file: feed, line: 'this.#listener.changed(hint)', bug: 'undefined' }

const bug = bugs[process.env.CHAOS_PLANT]
const planted = bug && [...bug, withoutHints]

if (planted === undefined) throw new Error(`There is no bug called "${process.env.CHAOS_PLANT}".`)
// As in typescript-loader.mjs: Node 20 runs the hooks on a separate thread.
if (modules.registerHooks !== undefined) modules.registerHooks({ resolve, load })
else if (isMainThread) modules.register(import.meta.url)

/**
 * Resolves the library to its compiled files instead of the bundles, so that a bug can replace a
 * line of one file.
 */
export function resolve(specifier, context, next) {
  return change(next(specifier, context), (resolved) => ({
    ...resolved,
    url: resolved.url.replace('/packages/latchkey/bundle/', '/packages/latchkey/dist/'),
  }))
}

export function load(url, context, next) {
  return change(next(url, context), (loaded) => {
    const replacements = planted.filter(({ file }) => url.endsWith(file))
    if (replacements.length === 0) return loaded
    let source = String(loaded.source)
    for (const { line, bug } of replacements) {
      if (source.split(line).length !== 2) throw new Error(`${url} no longer has the one line "${line}".`)
      source = source.replace(line, () => bug)
    }
    return { ...loaded, source }
  })
}

/** The next hook returns a promise only on Node 20. */
function change(result, apply) {
  return result instanceof Promise ? result.then(apply) : apply(result)
}
