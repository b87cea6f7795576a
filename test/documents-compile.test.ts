import { describe, expect, it } from 'vitest'
import { compileTypeScript } from './support/compile-typescript.js'
import { docstringExamples } from './support/docstring-examples.js'
import { isTypeScript, Page, pagePaths } from './support/page.js'

/**
 * Returns the TypeScript blocks of a page by `page.line.ts`. The line is that of the fence, so that
 * the first line of a block is the next one.
 */
function blocksOf(path: string): Record<string, string> {
  const blocks = Page.at(path).blocks.filter(isTypeScript)
  return Object.fromEntries(blocks.map(({ line, text }) => [`${path}.${line}.ts`, text]))
}

/** Their examples are those of methods, and show one statement without its imports. */
const withFragments = ['docs/reference/library/latchkey.md', 'docs/reference/library/sessions.md']

const paths = pagePaths().filter((path) => !withFragments.includes(path))
const blocks = Object.assign({}, ...paths.map(blocksOf)) as Record<string, string>

describe('the TypeScript of README and docs', () => {
  it('compiles under strict, block by block, against the packages as published', () => {
    expect(Object.keys(blocks).filter((name) => name.startsWith('README.md.'))).not.toEqual([])
    expect(compileTypeScript(blocks)).toEqual([])
  })

  it('has no comment that hides an error from the compiler', () => {
    const hiding = Object.entries(blocks).filter(([, block]) => /\bany\b|@ts-|\bdeclare\b|\bas never\b/.test(block))
    expect(hiding.map(([name]) => name)).toEqual([])
  })
})

/** The names that a short example may use without creating them. */
const prelude = `
  import type { Express, Response } from 'express'
  import type * as library from 'latchkey'
  import type { Auth, Latchkey, RotatingKeyPairSource, TenantSecrets } from 'latchkey'
  import type { Session, Sessions } from 'latchkey/sessions'
  declare global {
    const app: Express
    const error: unknown
    const failures: typeof library.failures
    const FailureError: typeof library.FailureError
    const isFailure: typeof library.isFailure
    const isLatchkeyError: typeof library.isLatchkeyError
    const Keyring: typeof library.Keyring
    const LatchkeyError: typeof library.LatchkeyError
    const res: Response
    const serviceKeys: RotatingKeyPairSource
    const transaction: <T>(work: (client: unknown) => Promise<T>) => Promise<T>
    const auth: Auth
    const keys: TenantSecrets
    const latchkey: Latchkey
    const refreshToken: string
    const session: Session
    const sessions: Sessions
    const socket: { close(code: number): void }
    const token: string
    const user: { readonly id: string }
  }
`

describe('the examples in the docstrings of the library', () => {
  const examples = docstringExamples('packages/latchkey/src')

  it('compile as the docs do, with a few names that are declared once', () => {
    expect(Object.keys(examples).length).toBeGreaterThan(40)
    expect(compileTypeScript({ ...examples, 'packages/latchkey/src/prelude.ts': prelude })).toEqual([])
  })
})
