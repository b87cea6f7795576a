import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { completeManifest, entriesOf, type Manifest } from '../../scripts/package-exports.mjs'

const manifestOf = (folder: string): Manifest =>
  JSON.parse(readFileSync(new URL(`../../packages/${folder}/package.json`, import.meta.url), 'utf8'))

describe.each(['latchkey', 'server'])('the package.json of %s', (folder) => {
  it('is complete for both module systems: otherwise run node scripts/write-exports.mjs', () => {
    const manifest = manifestOf(folder)
    // As text, because resolvers take the first condition that fits.
    expect(JSON.stringify(manifest, null, 2)).toBe(JSON.stringify(completeManifest(manifest), null, 2))
  })
})

describe('a new subpath', () => {
  const exports = { '.': './src/index.ts', './koa': './src/adapters/koa/index.ts', './package.json': './package.json' }

  it('needs one line, which names its source', () => {
    const { main, types, typesVersions, exports: complete } = completeManifest({ exports })
    expect([main, types]).toEqual(['./bundle/index.cjs', './dist/index.d.cts'])
    expect(complete['./koa']).toEqual({
      import: { types: './dist/adapters/koa/index.d.ts', default: './bundle/adapters/koa/index.js' },
      require: { types: './dist/adapters/koa/index.d.cts', default: './bundle/adapters/koa/index.cjs' },
    })
    expect(complete['./package.json']).toBe('./package.json')
    expect(typesVersions).toEqual({ '*': { koa: ['./dist/adapters/koa/index.d.cts'] } })
  })

  it('is the same entry before and after', () => {
    const entries = [
      { subpath: '.', entry: 'index' },
      { subpath: './koa', entry: 'adapters/koa/index' },
    ]
    expect(entriesOf({ exports })).toEqual(entries)
    expect(entriesOf(completeManifest({ exports }))).toEqual(entries)
  })
})
