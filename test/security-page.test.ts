import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const repository = fileURLToPath(new URL('..', import.meta.url))
const page = readFileSync(`${repository}SECURITY.md`, 'utf8')

describe('SECURITY.md', () => {
  const rows = [...page.matchAll(/^\| (C\d+) +\| .+ \| (.+) \|$/gm)].map(([, contract = '', tests = '']) => ({
    contract,
    tests,
  }))

  it('has every contract once', () => {
    expect(rows.map(({ contract }) => contract)).toEqual(Array.from({ length: 10 }, (_, at) => `C${at + 1}`))
  })

  it('names for each contract tests that exist', () => {
    const files = ['packages/latchkey/test', 'packages/server/test'].flatMap((folder) =>
      readdirSync(repository + folder, { recursive: true, encoding: 'utf8' }),
    )
    const exists = (path: string) =>
      path.startsWith('…') ? files.some((file) => file.endsWith(path.slice(1))) : existsSync(repository + path)
    for (const { contract, tests } of rows) {
      const paths = [...tests.matchAll(/`([^`]+)`/g)].map(([, path = '']) => path)
      expect([contract, paths.length > 0, paths.filter((path) => !exists(path))]).toEqual([contract, true, []])
    }
  })
})
