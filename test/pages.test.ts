import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { requireProgram } from './support/installed-program.js'
import { isToBeTaken, Page, pagePaths } from './support/page.js'

const repository = fileURLToPath(new URL('..', import.meta.url))

/** The text of every test. */
const tests = ['test', 'packages/latchkey/test', 'packages/server/test'].flatMap((folder) =>
  readdirSync(join(repository, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => readFileSync(join(repository, folder, name), 'utf8')),
)

const pages = pagePaths().filter((path) => Page.at(path).blocks.some(isToBeTaken))

/** The shell blocks of a page in their order, with a word for each placeholder. */
function shellOf(path: string): string {
  return Page.at(path)
    .blocks.filter(({ language }) => language === 'sh')
    .map(({ text }) => text.replaceAll(/<[a-z ]+>/g, 'placeholder'))
    .join('\n')
}

/** Returns the syntax errors that bash reports, and the warnings of shellcheck. */
function shellProblems(script: string): string {
  requireProgram('shellcheck', 'shellcheck')
  // The reader of a page sets variables, and stops at the first command that fails.
  const args = ['--shell=bash', '--severity=warning', '--exclude=SC2034,SC2154,SC2164', '--format=gcc', '-']
  const read = spawnSync('bash', ['-n'], { input: script, encoding: 'utf8' })
  return read.stderr + spawnSync('shellcheck', args, { input: script, encoding: 'utf8' }).stdout
}

/** Returns what to do about a page whose blocks no test runs or checks. */
function missingTest(path: string, texts: readonly string[]): string | undefined {
  if (texts.some((text) => text.includes(`expect(blocksLeftOut('${path}')).toEqual([])`))) return undefined
  return (
    `No test runs the blocks of ${path}. Let a test take them by Page or Runbook and run them, or check them where they ` +
    `cannot run here, and let the same file expect(blocksLeftOut('${path}')).toEqual([]).`
  )
}

describe.each(pages)('the blocks of %s', (path) => {
  it('are each run or checked by a test', () => {
    expect(missingTest(path, tests)).toBeUndefined()
  })

  it('are commands without a syntax error in bash or a warning of shellcheck', () => {
    expect(shellProblems(shellOf(path))).toBe('')
  })

  it('name a language that a test knows', () => {
    const known = ['sh', 'sql', 'yaml', 'json', 'js', 'nginx', 'ini', 'dockerfile', 'mermaid']
    const languages = Page.at(path)
      .blocks.filter(isToBeTaken)
      .map(({ language }) => language)
    expect(languages.filter((language) => !known.includes(language))).toEqual([])
  })
})

describe('a page', () => {
  it('is reported without a test, and its test without a block', () => {
    expect(missingTest('docs/new.md', tests)).toContain('docs/new.md')
    expect(Page.at('docs/guides/deploy-compose.md').leftOut).toContain('docs/guides/deploy-compose.md:15 (sh)')
  })

  it.each([
    'if true; then',
    'cd $HOME && rm "$1',
    'for x in *; do echo hello',
    'cat $(ls *.txt) | while read $line; do :; done',
  ])('is reported with %j', (script) => {
    expect(shellProblems(script)).not.toBe('')
  })
})
