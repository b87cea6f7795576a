/**
 * Writes the `bundle/` of both packages, the JavaScript that runs: a file for each entry and chunks
 * for the code that entries share, so that every class exists once. Node 20 takes about half a
 * millisecond to load a file; the library has seventy files and the server more than two hundred.
 * Dependencies stay outside, and the types are those of `dist/`.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

const root = fileURLToPath(new URL('..', import.meta.url))

await bundleLibrary(join(root, 'packages/latchkey'))
await bundleServer(join(root, 'packages/server'))

async function bundleLibrary(folder) {
  const entries = Object.values(manifestOf(folder).exports).flatMap(({ default: file }) =>
    file === undefined ? [] : [file.slice('./bundle/'.length, -'.js'.length)],
  )
  await bundlePackage(folder, {
    input: Object.fromEntries(entries.map((entry) => [entry, `src/${entry}.ts`])),
    chunkFileNames: 'chunks/[name]-[hash].js',
    // The code that nearly every application loads is one file.
    codeSplitting: { groups: [{ name: 'core', test: /\/src\/(?!adapters|http|stores|testing)/ }] },
  })
}

async function bundleServer(folder) {
  await bundlePackage(folder, {
    input: { index: 'src/index.ts', main: 'src/cli/main.ts', 'copy-process': 'src/database/copy-process.ts' },
    // One folder for all: code finds `copy-process.js` and `data/` relative to its own file.
    chunkFileNames: '[name]-[hash].js',
  })
}

async function bundlePackage(folder, { input, ...output }) {
  const { dependencies = {}, peerDependencies = {} } = manifestOf(folder)
  const external = new RegExp(`^(${Object.keys({ ...dependencies, ...peerDependencies }).join('|')})(/|$)`)
  const bundle = await rolldown({ cwd: folder, input, external, platform: 'node', tsconfig: true })
  const { output: files } = await bundle.generate({ dir: 'bundle', format: 'esm', sourcemap: true, ...output })
  await bundle.close()
  writeFiles(join(folder, 'bundle'), files)
}

function manifestOf(folder) {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
}

/**
 * Writes chunks before the entries that import them, and skips unchanged files, because another
 * process may be loading them. Files of an earlier build go.
 */
function writeFiles(folder, files) {
  for (const file of files.toSorted((a, b) => Number(b.isEntry !== true) - Number(a.isEntry !== true))) {
    const path = join(folder, file.fileName)
    const content = file.type === 'chunk' ? file.code : file.source
    if (existsSync(path) && readFileSync(path, 'utf8') === content) continue
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, content)
  }
  const written = new Set(files.map(({ fileName }) => join(folder, fileName)))
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (entry.isFile() && !written.has(path)) rmSync(path)
  }
}
