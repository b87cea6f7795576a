import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const repository = fileURLToPath(new URL('..', import.meta.url))
const library = 'packages/latchkey/src'
const server = 'packages/server/src'
const page = readFileSync(join(repository, 'ARCHITECTURE.md'), 'utf8')

const walks = [...page.matchAll(/^## (A .+), in `(.+)`\n([\s\S]*?)(?=^## )/gm)].map(
  ([section = '', title = '', root = '', text = '']) => ({ section, title, root, text }),
)

/** Returns the paths of files and folders in code spans, in their order. A pattern is no path. */
function pathsIn(text: string): string[] {
  const spans = [...text.matchAll(/`([\w./-]+)`/g)].map(([, span = '']) => span)
  return spans.filter((span) => /\.(ts|mjs|cjs)$|\/$/.test(span) && !span.startsWith('/'))
}

/** Returns the paths that are in none of these folders of the repository. */
function missing(paths: readonly string[], ...roots: readonly string[]): string[] {
  return paths.filter((path) => !roots.some((root) => existsSync(join(repository, root, path))))
}

describe('ARCHITECTURE.md', () => {
  it('has three walks: a token, a revocation and a sign-in', () => {
    expect(walks.map(({ title, root }) => [title, root])).toEqual([
      ['A token', library],
      ['A revocation', library],
      ['A sign-in', server],
    ])
  })

  it.each(walks)('names no file twice in the walk of $title', ({ text }) => {
    const paths = pathsIn(text)
    expect(paths.length).toBeGreaterThan(10)
    expect(paths.filter((path, index) => paths.indexOf(path) !== index)).toEqual([])
  })

  it.each(walks)('names only files that exist in the walk of $title', ({ root, text }) => {
    expect(missing(pathsIn(text), root)).toEqual([])
  })

  it('names only files and folders that exist outside the walks', () => {
    const others = walks.reduce((text, { section }) => text.replace(section, ''), page)
    const built = ['bundle/', 'dist/']
    const paths = pathsIn(others).filter((path) => !built.includes(path))
    expect(paths.length).toBeGreaterThan(20)
    expect(missing(paths, '', library, server)).toEqual([])
  })
})
