/**
 * Writes bundle/, the JavaScript that users of the library load: a file for each subpath, and
 * chunks for shared code, so that every class exists once. Node 20 takes about half a millisecond
 * to load a file, and `import 'latchkey'` would load seventy. The types are those of dist/.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

const folder = fileURLToPath(new URL('..', import.meta.url))
const { exports, peerDependencies } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
const entries = Object.values(exports).flatMap(({ default: file }) =>
  file === undefined ? [] : [file.slice('./bundle/'.length, -'.js'.length)],
)
const bundle = await rolldown({
  cwd: folder,
  input: Object.fromEntries(entries.map((entry) => [entry, `src/${entry}.ts`])),
  external: new RegExp(`^(${Object.keys(peerDependencies).join('|')})(/|$)`),
  platform: 'node',
  tsconfig: true,
})
const { output } = await bundle.generate({
  dir: 'bundle',
  format: 'esm',
  sourcemap: true,
  chunkFileNames: 'chunks/[name]-[hash].js',
  // The code that nearly every application loads is one file.
  codeSplitting: { groups: [{ name: 'core', test: /\/src\/(?!adapters|http|stores|testing)/ }] },
})
await bundle.close()

// Writes chunks before the files that import them, and skips unchanged files: another process may
// be loading them.
const files = output.toSorted(
  (a, b) => Number(b.fileName.startsWith('chunks/')) - Number(a.fileName.startsWith('chunks/')),
)
for (const file of files) {
  const path = join(folder, 'bundle', file.fileName)
  const content = file.type === 'chunk' ? file.code : file.source
  if (existsSync(path) && readFileSync(path, 'utf8') === content) continue
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, content)
}
const written = new Set(files.map(({ fileName }) => join(folder, 'bundle', fileName)))
for (const entry of readdirSync(join(folder, 'bundle'), { recursive: true, withFileTypes: true })) {
  const path = join(entry.parentPath, entry.name)
  if (entry.isFile() && !written.has(path)) rmSync(path)
}
