import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const repository = fileURLToPath(new URL('..', import.meta.url))

describe('docs/reference/compatibility.md', () => {
  const page = readFileSync(join(repository, 'docs/reference/compatibility.md'), 'utf8')

  it('is what npm run reference writes from the installed packages', () => {
    const folder = mkdtempSync(join(tmpdir(), 'latchkey-compatibility-'))
    try {
      const file = join(folder, 'page.md')
      execFileSync(process.execPath, ['scripts/write-compatibility.mjs', file], { cwd: repository })
      expect(page).toBe(readFileSync(file, 'utf8'))
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  it('has a tested version of every major version that the library accepts', () => {
    const untested = page
      .split('\n')
      .filter((line) => line.includes('`latchkey/'))
      .flatMap((line) => {
        const [, title = '', , accepted = '', lowest = '', newest = ''] = line.split('|').map((cell) => cell.trim())
        const majors = [...accepted.matchAll(/\^(\d+)/g)].map(([, major]) => major)
        const found = `${lowest}; ${newest}`.split('; ').map((version) => /\d+/.exec(version)?.[0])
        return majors.filter((major) => !found.includes(major)).map((major) => `${title} ${major}`)
      })
    expect(untested).toEqual([])
  })
})
