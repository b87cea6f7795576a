import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const repository = fileURLToPath(new URL('..', import.meta.url))

/** Returns the text of each page of a folder, by its name. */
function pagesIn(folder: string): Readonly<Record<string, string>> {
  return Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]))
}

describe('docs/reference/library', () => {
  it('is what npm run reference writes from the types and docstrings', () => {
    const folder = mkdtempSync(join(tmpdir(), 'latchkey-reference-'))
    try {
      execFileSync(process.execPath, ['scripts/write-library-reference.mjs', folder], { cwd: repository })
      expect(pagesIn(join(repository, 'docs/reference/library'))).toEqual(pagesIn(folder))
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  it('has a page for each entry point', () => {
    const { exports } = JSON.parse(readFileSync(join(repository, 'packages/latchkey/package.json'), 'utf8'))
    const entryPoints = Object.keys(exports).filter((path) => path !== './package.json')
    const pages = entryPoints.map((path) => (path === '.' ? 'latchkey.md' : `${path.slice('./'.length)}.md`))
    const found = readdirSync(join(repository, 'docs/reference/library'))
    expect(found.toSorted()).toEqual(['README.md', ...pages].toSorted())
  })
})
