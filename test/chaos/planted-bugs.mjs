/**
 * Loads the library with a bug in it: `CHAOS_PLANT=… node --import …/planted-bugs.mjs`. The built
 * file on disk stays unchanged. Fails when the line that the bug replaces does not exist any more.
 */
import * as modules from 'node:module'
import { isMainThread } from 'node:worker_threads'

const bugs = {
  // Changes are ignored, and the feed still counts as fresh.
  'feed-ignored': {
    file: '/stores/postgres/postgres-feed.js',
    line: 'this.#listener.changed(change)',
    bug: 'undefined',
  },
  // Data of any age is accepted.
  'age-ignored': {
    file: '/tenants/freshness.js',
    line: 'elapsedMs(this.#clock, instant, nowMs) <= this.#maxStalenessMs',
    bug: 'true',
  },
  // Entries of the shared cache are not compared with the tenant's version.
  'versions-ignored': {
    file: '/tenants/shared-tenants.js',
    line: 'record.version >= Math.max(this.#newest.get(record.tenant) ?? 0, this.#minimum.versionOf(record.tenant))',
    bug: 'true',
  },
  // A writer does not wait for silent verifiers.
  'silent-not-awaited': {
    file: '/tenants/wait-for-acknowledgements.js',
    line: 'waitUntil(maxStalenessMs)',
    bug: 'waitUntil(20)',
  },
  // A process does not read earlier changes when it starts.
  'history-ignored': { file: '/tenants/shared-tenants.js', line: 'version } of changes)', bug: 'version } of [])' },
}

const planted = bugs[process.env.CHAOS_PLANT]

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
    if (!url.endsWith(planted.file)) return loaded
    const source = String(loaded.source)
    if (source.split(planted.line).length !== 2) throw new Error(`${url} no longer has the one line "${planted.line}".`)
    return { ...loaded, source: source.replace(planted.line, planted.bug) }
  })
}

/** The next hook returns a promise only on Node 20. */
function change(result, apply) {
  return result instanceof Promise ? result.then(apply) : apply(result)
}
