import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { blocksLeftOut, Page } from './support/page.js'

const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')

describe('the README of the library', () => {
  const page = read('packages/latchkey/README.md')

  it('begins with the command that installs it, below the title', () => {
    expect(page.split('\n').slice(0, 3)).toEqual(['# latchkey', '', '`npm i latchkey pg`'])
  })

  it('names every subpath of the package, and no other', () => {
    const { exports } = JSON.parse(read('packages/latchkey/package.json'))
    const subpaths = Object.keys(exports).filter((subpath) => subpath !== './package.json')
    const rows = page.split('\n').filter((line) => line.startsWith('| `latchkey'))
    const named = rows.flatMap((row) => row.split(' | ')[0]?.match(/latchkey[\w/-]*/g) ?? [])
    expect(named.toSorted()).toEqual(subpaths.map((subpath) => `latchkey${subpath.slice(1)}`).toSorted())
  })
})

describe('the README of the server', () => {
  const page = read('packages/server/README.md')

  it('names commands and settings that exist', () => {
    const commands = [...read('docs/reference/cli.md').matchAll(/^## (.+)$/gm)].map(([, name]) => name)
    const named = [...page.matchAll(/`latchkey ([a-z -]+)`/g)].map(([, name]) => name)
    expect(named.length).toBeGreaterThan(5)
    expect(named.filter((name) => name !== '--help' && !commands.includes(name))).toEqual([])
    const settings = read('docs/reference/configuration.md')
    const names = [...page.matchAll(/`([A-Z]+(?:_[A-Z]+)*)`/g)].map(([, name = '']) => name)
    expect(names.filter((name) => name !== '_FILE' && !settings.includes(`\`${name}\``))).toEqual([])
  })

  it('installs this package and starts its command', () => {
    const { name, bin } = JSON.parse(read('packages/server/package.json'))
    const [commands = ''] = Page.at('packages/server/README.md').take('sh')
    const lines = commands
      .trim()
      .split('\n')
      .map((line) => line.replace(/ +#.*/, ''))
    expect(lines).toEqual([`npm i ${name}`, `npx ${Object.keys(bin)[0]} serve`])
    expect(blocksLeftOut('packages/server/README.md')).toEqual([])
  })
})
