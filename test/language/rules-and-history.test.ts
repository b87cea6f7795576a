import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { textsOf, wideLinesOf, wordingOf } from '../../scripts/language.mjs'

const repository = fileURLToPath(new URL('../..', import.meta.url))

const namesIn = (text: string, path = 'file.ts') => wordingOf(textsOf(text, path)).map(({ name }) => name)

describe('the rules for language', () => {
  it('find the wording that they rule out, in comments and in prose, also across a line break', () => {
    const comment =
      '/**\n * Everybody is told, and nobody doubts\n * it. Gives the URL of a lane.\n */\nexport const url = 1'
    const ruledOut = ['indefinite person', 'speech or hearing', 'belief or doubt', 'gives for returns', 'metaphor']
    expect(new Set(namesIn(comment))).toEqual(new Set(ruledOut))
    expect(new Set(namesIn('Everybody is told, and nobody doubts it. Gives a lane.', 'page.md'))).toEqual(
      new Set(ruledOut),
    )
    expect(namesIn('key: 1\n# Waits for who\n# asks.', 'file.yaml')).toEqual(['headless clause'])
    expect(namesIn('// Waits for who\n// asks.')).toEqual(['headless clause'])
  })

  it('leave code, and sentences with a subject, alone', () => {
    expect(namesIn('// Returns the user who signed in, and `who asks`.\nconst everybody = "x"')).toEqual([])
    expect(namesIn('```ts\nconst everybody = 1\n```', 'page.md')).toEqual([])
  })

  it('find comments and prose over 100 columns, unless one word fills the line', () => {
    const wide = 'wide '.repeat(30)
    expect(wideLinesOf(textsOf(`// ${wide}`, 'file.ts'))).toEqual([1])
    expect(wideLinesOf(textsOf(`A page.\n\n${wide}`, 'page.md'))).toEqual([3])
    expect(wideLinesOf(textsOf(`// https://example.com/${'x'.repeat(100)}`, 'file.ts'))).toEqual([])
  })
})

describe('the history', () => {
  it('has subjects of at most 72 characters since the rule is kept', () => {
    const git = (...args: string[]) => execFileSync('git', args, { cwd: repository, encoding: 'utf8' }).trim()
    const introduced = git('log', '--diff-filter=A', '--format=%H', '--', 'test/language/rules-and-history.test.ts')
    const subjects = git('log', '--no-merges', '--format=%s', ...(introduced === '' ? ['-1'] : [`${introduced}..HEAD`]))
    expect(subjects.split('\n').filter((subject) => subject.length > 72)).toEqual([])
  })
})
