import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { compileTypeScript } from './support/compile-typescript.js'

const page = readFileSync(new URL('../docs/guides/observability.md', import.meta.url), 'utf8')

/** Returns the cells of each table below a heading of the page, row by row, without the header. */
function rowsBelow(heading: string): string[][] {
  const section = page.split(/^#+ /m).find((text) => text.startsWith(`${heading}\n`)) ?? ''
  const lines = section.split('\n').filter((line) => line.startsWith('|'))
  return lines.slice(2).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
}

const codesIn = (text: string) => [...text.matchAll(/`([a-z_]+)`/g)].map(([, code = '']) => code)
const valuesOf = (heading: string, member: string) =>
  codesIn(rowsBelow(heading).find(([name]) => name === `\`${member}\``)?.[1] ?? '')
const union = (values: readonly string[]) => [...new Set(values)].map((value) => `'${value}'`).join(' | ')

describe('docs/guides/observability.md', () => {
  it('lists every value of the types of the messages', () => {
    const [storeOperations = '', cacheOperations = ''] =
      rowsBelow('Stores and caches')
        .find(([name]) => name === '`operation`')?.[1]
        ?.split(';') ?? []
    const unions = {
      "VerifyMessage['level']": valuesOf('Verifications and issues', 'level'),
      "StoreMessage['system'] | CacheMessage['system']": valuesOf('Stores and caches', 'system'),
      "StoreMessage['operation']": codesIn(storeOperations),
      "CacheMessage['operation']": codesIn(cacheOperations),
      "CacheMessage['outcome']": valuesOf('Stores and caches', 'outcome'),
      "FeedMessage['event']": rowsBelow('The change feed').flatMap(([event = '']) => codesIn(event)),
      "LifecycleMessage['action']": valuesOf('Changes of tenants', 'action'),
      "SessionMessage['event']": valuesOf('Sessions', 'event'),
    }
    const checks = Object.entries(unions).map(
      ([type, values], index) => `export const check${index}: Same<${type}, ${union(values)}> = true\n`,
    )
    const source = `import type { CacheMessage, FeedMessage, LifecycleMessage, SessionMessage, StoreMessage, VerifyMessage } from 'latchkey'
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false
${checks.join('')}`
    expect(compileTypeScript({ 'observability.ts': source })).toEqual([])
  })

  it('names the type of each channel, which latchkey exports', () => {
    const types = rowsBelow('Channels').map(([, type = '']) => type.replaceAll('`', ''))
    expect(types).toHaveLength(9)
    const source = `export type { ${types.join(', ')}, Traced } from 'latchkey'\n`
    expect(compileTypeScript({ 'observability-types.ts': source })).toEqual([])
  })
})
