import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { compileTypeScript } from './support/compile-typescript.js'

const repository = fileURLToPath(new URL('..', import.meta.url))

/** Returns the pages of the repository, and the README of each package and example. */
function pages(): string[] {
  const readmes = ['packages', 'examples'].flatMap((folder) =>
    readdirSync(repository + folder).map((name) => `${folder}/${name}/README.md`),
  )
  const top = readdirSync(repository).filter((name) => name.endsWith('.md'))
  const docs = readdirSync(`${repository}docs`, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.md'),
  )
  return [...top, ...docs.map((name) => `docs/${name}`), ...readmes.filter((path) => existsSync(repository + path))]
}

/** Returns the TypeScript blocks of a page by `page.line.ts`, where the line is that of the fence: the first line of a block is the next one. */
function blocksOf(page: string): Record<string, string> {
  const text = readFileSync(repository + page, 'utf8')
  const blocks = [...text.matchAll(/^( *)```(?:ts|typescript|tsx|mts)\b[^\n]*\n(.*?)^ *```/gms)]
  return Object.fromEntries(
    blocks.map(({ index, 2: block = '' }) => [`${page}.${text.slice(0, index).split('\n').length}.ts`, block]),
  )
}

const blocks = Object.assign({}, ...pages().map(blocksOf)) as Record<string, string>

describe('the TypeScript of README and docs', () => {
  it('compiles under strict, block by block, against the packages as they are published', () => {
    expect(Object.keys(blocks).filter((name) => name.startsWith('README.md.'))).not.toEqual([])
    expect(compileTypeScript(blocks)).toEqual([])
  })

  it('hides nothing from the compiler', () => {
    const hiding = Object.entries(blocks).filter(([, block]) => /\bany\b|@ts-|\bdeclare\b|\bas never\b/.test(block))
    expect(hiding.map(([name]) => name)).toEqual([])
  })
})
