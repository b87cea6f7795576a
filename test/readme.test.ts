import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { npmProblems } from './support/npm-scripts.js'
import { blocksLeftOut, Page } from './support/page.js'
import { sequenceProblems } from './support/sequence-diagram.js'

const readme = Page.at('README.md')

describe('the README', () => {
  it('begins with commands that npm and this repository have', () => {
    const [quickStart] = readme.takeSteps()
    expect(npmProblems(quickStart?.commands ?? '')).toEqual([])
  })

  it('has at most 700 words above its list of links', () => {
    const text = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
    const above = text.slice(0, text.indexOf('## Documentation'))
    const words = above.match(/\p{Letter}[\p{Letter}\d'’/.-]*/gu) ?? []
    expect(words.length).toBeGreaterThan(300)
    expect(words.length).toBeLessThanOrEqual(700)
  })

  it('shows one picture, which a renderer of Mermaid can read', () => {
    const pictures = readme.take('mermaid')
    expect(pictures).toHaveLength(1)
    expect(pictures.flatMap(sequenceProblems)).toEqual([])
  })

  it('has no block that these tests leave out', () => {
    expect(blocksLeftOut('README.md')).toEqual([])
  })
})

describe('the check of a sequence diagram', () => {
  const diagram = 'sequenceDiagram\n  participant A as One\n'

  it.each([
    'participant A as One',
    'sequenceDiagram',
    `${diagram}  A->>B: hello`,
    `${diagram}  A->A`,
    `${diagram}  Note over B: hello`,
    `${diagram}  A->>A: hello; there`,
  ])('finds the fault of %j', (text) => {
    expect(sequenceProblems(text)).not.toEqual([])
  })
})
