/**
 * Writes the `bundle/` of both packages, the JavaScript that runs: a file for each entry and chunks
 * for the code that entries share, so that every class exists once. Node 20 takes about half a
 * millisecond to load a file; the library has seventy files and the server more than two hundred.
 * Dependencies stay outside, and the types are those of `dist/`.
 *
 * The library is written twice, as ES modules and as CommonJS (docs/decisions/0033). The server is
 * ES modules with an entry that `require` loads.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'
import { commonjsTypes } from './commonjs-types.mjs'
import { entriesOf } from './package-exports.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))

await bundleLibrary(join(root, 'packages/latchkey'))
await bundleServer(join(root, 'packages/server'))

async function bundleLibrary(folder) {
  const entries = entriesIn(folder)
  const input = Object.fromEntries(entries.map((entry) => [entry, `src/${entry}.ts`]))
  // The code that nearly every application loads is one file.
  const codeSplitting = {
    groups: [{ name: 'core', test: /\/src\/(?!adapters|http|interop|introspection|sessions|stores|testing)/ }],
  }
  const files = await bundlePackage(folder, input, [
    { format: 'esm', codeSplitting, entryFileNames: '[name].js', chunkFileNames: 'chunks/[name]-[hash].js' },
    {
      format: 'cjs',
      // Some entries have a default export beside named ones.
      exports: 'named',
      codeSplitting,
      entryFileNames: '[name].cjs',
      chunkFileNames: 'chunks/[name]-[hash].cjs',
      // Jest's module system for CommonJS has no `import()`.
      dynamicImportInCjs: false,
    },
  ])
  writeFiles(join(folder, 'bundle'), files)
  writeCommonjsTypes(join(folder, 'dist'), entries)
}

async function bundleServer(folder) {
  const input = { index: 'src/index.ts', main: 'src/cli/main.ts', 'copy-process': 'src/database/copy-process.ts' }
  // One folder for all: code finds `copy-process.js` and `data/` relative to its own file.
  const files = await bundlePackage(folder, input, [{ format: 'esm', chunkFileNames: '[name]-[hash].js' }])
  // `require` can load ES modules since Node 20.19, the lowest supported version.
  const commonjs = { fileName: 'index.cjs', source: "module.exports = require('./index.js')\n", isEntry: true }
  writeFiles(join(folder, 'bundle'), [...files, commonjs])
  writeCommonjsTypes(join(folder, 'dist'), entriesIn(folder))
}

/** Returns the files of the bundles with these options of rolldown. */
async function bundlePackage(folder, input, outputs) {
  const { dependencies = {}, peerDependencies = {} } = manifestOf(folder)
  const external = new RegExp(`^(${Object.keys({ ...dependencies, ...peerDependencies }).join('|')})(/|$)`)
  const bundle = await rolldown({ cwd: folder, input, external, platform: 'node', tsconfig: true })
  const files = []
  for (const output of outputs)
    files.push(...(await bundle.generate({ dir: 'bundle', sourcemap: true, ...output })).output)
  await bundle.close()
  return files
}

function entriesIn(folder) {
  return entriesOf(manifestOf(folder)).map(({ entry }) => entry)
}

function manifestOf(folder) {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
}

/** Writes chunks before the entries that import them. Files of an earlier build go. */
function writeFiles(folder, files) {
  for (const file of files.toSorted((a, b) => Number(b.isEntry !== true) - Number(a.isEntry !== true))) {
    writeFile(join(folder, file.fileName), file.type === 'chunk' ? file.code : file.source)
  }
  removeOthers(
    folder,
    files.map(({ fileName }) => fileName),
    () => true,
  )
}

function writeCommonjsTypes(dist, entries) {
  const types = commonjsTypes(dist, entries)
  for (const [path, text] of types) writeFile(join(dist, path), text)
  if (existsSync(dist)) removeOthers(dist, [...types.keys()], (path) => path.endsWith('.d.cts'))
}

/** Skips an unchanged file, because another process may be loading it. */
function writeFile(path, content) {
  if (existsSync(path) && readFileSync(path, 'utf8') === content) return
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, content)
}

function removeOthers(folder, kept, isOurs) {
  const paths = new Set(kept.map((path) => join(folder, path)))
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (entry.isFile() && isOurs(path) && !paths.has(path)) rmSync(path)
  }
}
