/**
 * Completes the `exports` in the package.json of each package, and the fields that follow from
 * them: `node scripts/write-exports.mjs`. Run it after adding a subpath as
 * `"./koa": "./src/adapters/koa/index.ts"`.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { completeManifest } from './package-exports.mjs'

for (const folder of ['latchkey', 'server']) {
  const file = new URL(`../packages/${folder}/package.json`, import.meta.url)
  const manifest = JSON.parse(readFileSync(file, 'utf8'))
  writeFileSync(file, `${JSON.stringify(completeManifest(manifest), null, 2)}\n`)
}
