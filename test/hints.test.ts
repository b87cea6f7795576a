import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { callProblems } from './deploy/support/command-facts.js'
import { usageProblem } from './support/latchkey-usage.js'
import { pagePaths } from './support/page.js'

const repository = fileURLToPath(new URL('..', import.meta.url))

/** What Cloud KMS binds the wrapped keys to: "latchkey master keys", which is no command. */
const label = 'master keys'

function filesIn(folder: string, pattern: RegExp): readonly string[] {
  return readdirSync(join(repository, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => pattern.test(name))
    .map((name) => `${folder}/${name}`)
}

const sources = ['packages/latchkey/src', 'packages/server/src'].flatMap((folder) => filesIn(folder, /\.ts$/))
const texts = [...sources, ...pagePaths(), ...filesIn('deploy', /\.(ya?ml|sh|service|timer|json)$/)]
const read = (path: string) => readFileSync(join(repository, path), 'utf8')

/**
 * Returns the calls of the command line that a text names: in quotes or backticks, or after a colon.
 * `a|b` is two calls, `[x]` and `<x>` are arguments, and what is filled in later is a date, which
 * every option takes that is filled in.
 */
function namedCalls(text: string): readonly (readonly string[])[] {
  const found = text.matchAll(/(?:[`"]|: |['`]npx )(?:npx )?latchkey ([a-z][^`"'\\\n]*)/g)
  const calls = [...found].map(([, call = '']) => call).filter((call) => call !== label)
  return calls.flatMap((call) => {
    const words = call
      .replaceAll(/\$\{[^}]*\}/g, '2026-01-31')
      .replaceAll('<shell>', 'bash|zsh|fish')
      .replaceAll(/[[\]<>]/g, '')
      .split(/…| {2,}| [|>] |[.,;)] |[.,;]$/, 1)[0]
    return alternatives((words ?? '').trim().split(' '))
  })
}

function alternatives([first, ...rest]: readonly string[]): readonly (readonly string[])[] {
  if (first === undefined) return [[]]
  return alternatives(rest).flatMap((tail) => first.split('|').map((word) => [word, ...tail]))
}

/** The text of each string of a source, without comments. */
function stringsOf(path: string): readonly string[] {
  const strings: string[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node)) {
      strings.push(node.text)
    }
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile(path, read(path), ts.ScriptTarget.Latest))
  return strings
}

describe('a hint', () => {
  it('names a command that the command line has, with options that it takes', () => {
    const calls = texts.flatMap((path) => namedCalls(read(path)).map((words) => ({ path, words })))
    expect(calls.length).toBeGreaterThan(120)
    const problems = calls.flatMap(({ path, words }) => {
      const problem = usageProblem(words)
      return problem === undefined ? [] : [`${path}: ${problem}`]
    })
    expect(problems).toEqual([])
  })

  it.each([
    'Run "latchkey admin make".',
    'Run `latchkey users create --verifed ada@example.com`.',
    'To go on: latchkey secrets rotate-everybody',
    'See `latchkey users disable|destroy <user>`.',
    'Run "latchkey migrate now".',
  ])('would be found out as %j', (text) => {
    expect(namedCalls(text).map(usageProblem).filter(Boolean)).toHaveLength(1)
  })

  it('names commands and scripts of kubectl, docker, systemctl and npm that are there', () => {
    const { scripts } = JSON.parse(read('package.json'))
    const lines = texts.flatMap((path) =>
      [...read(path).matchAll(/`((?:kubectl|docker|systemctl|npm) [^`\n…]+)`/g)].map(([, line = '']) => line),
    )
    expect(lines.length).toBeGreaterThan(20)
    const calls = lines.map((line) => line.split(' ')).map(([program = '', ...args]) => ({ program, args }))
    expect(callProblems(calls)).toEqual([])
    const run = calls.filter(({ program, args }) => program === 'npm' && args[0] === 'run').map(({ args }) => args[1])
    expect(run.filter((script = '') => scripts[script] === undefined)).toEqual([])
  })

  it('names npm only where a developer starts the server: an image and a service of systemd have none', () => {
    const naming = sources.filter((path) => stringsOf(path).some((text) => /\b(npm|npx)\b/.test(text)))
    expect(naming).toEqual(['packages/server/src/cli/banner.ts', 'packages/server/src/cli/reference.ts'])
  })
})
