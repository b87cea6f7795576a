/**
 * The entry points of a package. The `exports` of its package.json list them; everything else that
 * resolvers read follows from that list.
 */

/** Finds the path of a source without suffix, in its own path or in that of a built file. */
const sourcePath = /^\.\/(?:src|bundle|dist)\/(.+?)\.(?:d\.)?[cm]?[jt]s$/

/**
 * Returns the subpaths of a package with the paths of their sources below `src/`, without suffix. A
 * target may be complete, or name the source alone: `"./koa": "./src/adapters/koa/index.ts"`.
 */
export function entriesOf({ exports }) {
  return Object.entries(exports).flatMap(([subpath, target]) => {
    const entry = sourceOf(target)
    return entry === undefined ? [] : [{ subpath, entry }]
  })
}

/**
 * Returns the package.json with complete `exports`, and with the fields of resolvers that do not
 * read them: `main` and `types`, and `typesVersions` for the types of subpaths. TypeScript's
 * `moduleResolution: node10` is one of these resolvers.
 */
export function completeManifest(manifest) {
  const entries = entriesOf(manifest)
  const entryOf = new Map(entries.map(({ subpath, entry }) => [subpath, entry]))
  const exports = Object.fromEntries(
    Object.entries(manifest.exports).map(([subpath, target]) => [subpath, targetOf(entryOf.get(subpath)) ?? target]),
  )
  const root = targetOf(entryOf.get('.')).require
  const subpaths = entries.filter(({ subpath }) => subpath !== '.')
  const types = subpaths.map(({ subpath, entry }) => [subpath.slice('./'.length), [targetOf(entry).require.types]])
  const resolution = {
    main: root.default,
    types: root.types,
    exports,
    ...(types.length === 0 ? {} : { typesVersions: { '*': Object.fromEntries(types) } }),
  }
  const fields = Object.entries(manifest).flatMap(([name, value]) => {
    if (name === 'exports') return Object.entries(resolution)
    return ['main', 'types', 'typesVersions'].includes(name) ? [] : [[name, value]]
  })
  return Object.fromEntries(fields)
}

function sourceOf(target) {
  const path = typeof target === 'string' ? target : (target.import?.default ?? target.default)
  return sourcePath.exec(path)?.[1]
}

function targetOf(entry) {
  if (entry === undefined) return undefined
  return {
    import: { types: `./dist/${entry}.d.ts`, default: `./bundle/${entry}.js` },
    require: { types: `./dist/${entry}.d.cts`, default: `./bundle/${entry}.cjs` },
  }
}
