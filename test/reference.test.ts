import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { asvsRequirements } from './support/asvs-requirements.js'
import { blocksLeftOut, Page } from './support/page.js'
import { createDeployment, type Deployment, runCommand, startServer } from './support/server-process.js'

const repository = fileURLToPath(new URL('..', import.meta.url))
const read = (path: string) => readFileSync(join(repository, path), 'utf8')
const operationPattern = /`((?:GET|POST|PATCH|DELETE) \/[^`]*)`/g

/** Runs the commands of the examples against a server, and returns what they print. */
async function printedBy(
  examples: readonly { readonly commands: string }[],
  { url, folder, env }: { readonly url: string; readonly folder: string; readonly env?: NodeJS.ProcessEnv },
): Promise<string> {
  const script = examples.map(({ commands }) => commands).join('\n')
  const command = ['-euo', 'pipefail', '-c', script.replace('http://127.0.0.1:3000', url)]
  return (await promisify(execFile)('bash', command, { cwd: folder, env })).stdout
}

/**
 * Returns an environment in which `npx latchkey` runs the command line of a deployment. Its output
 * differs each time, so it goes to standard error.
 */
function commandLineIn(folder: string, { env }: Deployment): NodeJS.ProcessEnv {
  const script = `#!/bin/sh\nshift\nexec '${process.execPath}' '${join(repository, 'packages/server/bin/latchkey.js')}' "$@" >&2\n`
  writeFileSync(join(folder, 'npx'), script, { mode: 0o755 })
  return { ...env, PATH: [folder, process.env.PATH ?? ''].join(delimiter) }
}

/** A test that a page names as evidence. */
interface CitedTest {
  readonly title: string
  /** The path in the repository. */
  readonly file: string
}

/** Returns the tests that a page of `docs/` links by their titles. */
function citedTests(text: string): CitedTest[] {
  const links = text.matchAll(/\[([^\]]+)\]\((?:\.\.\/)+([\w./-]+\.test\.ts)\)/g)
  return [...links].map(([, title = '', file = '']) => ({ title, file }))
}

/** Returns whether the file has a test, not only a `describe`, with exactly this title. */
function isTest({ title, file }: CitedTest): boolean {
  if (!existsSync(join(repository, file))) return false
  const literals = [`'${title}'`, `"${title}"`, `\`${title}\``]
  const lines = read(file).split('\n')
  return lines.some((line) =>
    literals.some(
      (literal) => line.trim() === `${literal},` || (line.includes(`(${literal}`) && !/^\s*describe\b/.test(line)),
    ),
  )
}

/** The JSON Schema that a page shows. */
function schemaIn(path: string): string {
  return Page.at(path).take('json')[0] ?? ''
}

describe('docs/reference/api.md', () => {
  it('lists every route once, and shows the output of its examples', async () => {
    const page = read('docs/reference/api.md')
    const deployment = await createDeployment('sqlite')
    const folder = mkdtempSync(join(tmpdir(), 'latchkey-api-'))
    await runCommand(deployment, ['admin', 'create', 'admin@example.com'], 'correct horse battery staple')
    const server = await startServer(deployment)
    try {
      const { paths } = (await (await fetch(`${server.url}/openapi.json`)).json()) as {
        paths: Record<string, Record<string, object>>
      }
      const routes = Object.entries(paths).flatMap(([path, methods]) =>
        Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
      )
      expect([...page.matchAll(operationPattern)].map(([, route]) => route).toSorted()).toEqual(routes.toSorted())
      const examples = Page.at('docs/reference/api.md').takeSteps()
      expect(await printedBy(examples, { url: server.url, folder })).toBe(examples.map(({ shown }) => shown).join(''))
    } finally {
      await server.stop()
      await deployment.dispose()
      rmSync(folder, { recursive: true, force: true })
    }
  })
})

describe.each<[string, Readonly<Record<string, string>>]>([
  ['docs/guides/registration.md', { LATCHKEY_REGISTRATION: 'invited' }],
  [
    'docs/guides/profiles.md',
    { LATCHKEY_PROFILE_SCHEMA: schemaIn('docs/guides/profiles.md'), LATCHKEY_PROFILE_CLAIMS: 'plan,locale' },
  ],
])('%s', (path, settings) => {
  it('shows the output of its examples', async () => {
    const deployment = await createDeployment('sqlite', settings)
    const folder = mkdtempSync(join(tmpdir(), 'latchkey-guide-'))
    await runCommand(deployment, ['admin', 'create', 'admin@example.com'], 'correct horse battery staple')
    const server = await startServer(deployment)
    try {
      const examples = Page.at(path).takeSteps()
      const env = commandLineIn(folder, deployment)
      const printed = await printedBy(examples, { url: server.url, folder, env })
      expect(printed).toBe(examples.map(({ shown }) => shown).join(''))
    } finally {
      await server.stop()
      await deployment.dispose()
      rmSync(folder, { recursive: true, force: true })
    }
  })
})

describe('the pages with examples', () => {
  it('have no block that these tests leave out', () => {
    expect(blocksLeftOut('docs/reference/api.md')).toEqual([])
    expect(blocksLeftOut('docs/guides/registration.md')).toEqual([])
    expect(blocksLeftOut('docs/guides/profiles.md')).toEqual([])
  })
})

describe('docs/explanation/threat-model.md', () => {
  const page = read('docs/explanation/threat-model.md')

  it('names for each attack a test that exists', () => {
    const cited = citedTests(page)
    expect(cited.length).toBeGreaterThan(40)
    expect(cited.filter((test) => !isTest(test))).toEqual([])
  })

  it('has no attack without a test', () => {
    const rows = page
      .split('\n')
      .filter((line) => /^\| [^-]/.test(line) && line.includes(' | ') && !/^\| (attack|asset|actor)/.test(line))
    const attacks = rows.filter((line) => line.split(' | ').length >= 3)
    expect(attacks.filter((line) => !line.includes('.test.ts)'))).toEqual([])
  })
})

describe('docs/explanation/asvs.md', () => {
  const verdicts = ['met', 'partly', 'not', 'not applicable']
  const page = read('docs/explanation/asvs.md')
  const requirements = [...page.matchAll(/^\| (\d+\.\d+\.\d+) \| .+? \| (.*?) \| (.+) \|$/gm)].map(
    ([, number = '', verdict = '', evidence = '']) => ({ number, verdict, evidence }),
  )

  it('has one row for each requirement of levels 1 and 2', () => {
    expect(requirements.map(({ number }) => number)).toEqual(asvsRequirements)
    expect(asvsRequirements).toHaveLength(246)
  })

  it('has no unknown verdict', () => {
    expect(requirements.filter(({ verdict }) => !verdicts.includes(verdict))).toEqual([])
  })

  it('names a test for each requirement that is met', () => {
    const met = requirements.filter(({ verdict }) => verdict === 'met')
    expect(met.filter(({ evidence }) => citedTests(evidence).length === 0)).toEqual([])
  })

  it('names tests that exist', () => {
    expect(citedTests(page).filter((test) => !isTest(test))).toEqual([])
  })

  it('counts the verdicts correctly', () => {
    const countsOf = (chapter: RegExp) => {
      const rows = requirements.filter(({ number }) => chapter.test(number))
      return verdicts.map((verdict) => rows.filter((row) => row.verdict === verdict).length)
    }
    const summary = [
      ...page.matchAll(/^\| (?:\[V(\d+) |all chapters).* \| (\d+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$/gm),
    ]
    expect(summary).toHaveLength(17)
    for (const [line, chapter, ...counts] of summary) {
      const expected = countsOf(chapter === undefined ? /^/ : new RegExp(`^${chapter}\\.`))
      expect([line, counts.map(Number)]).toEqual([line, [...expected, expected.reduce((sum, count) => sum + count)]])
      if (chapter === undefined) continue
      const sentence = `${verdicts.map((verdict, at) => `${expected[at]} ${verdict}`).join(', ')}.`
      expect(page).toMatch(new RegExp(`^## V${chapter} .*\n\n${sentence}$`, 'm'))
    }
  })
})

describe('docs/guides/operations.md', () => {
  const page = read('docs/guides/operations.md')

  it('names commands, metrics, alerts and pages that exist', () => {
    const reference = read('docs/reference/cli.md')
    const commands = [...page.matchAll(/latchkey ((?:[a-z-]+ ?)+)/g)].map(([, words = '']) => words.trim())
    const known = [...reference.matchAll(/^## (.*)$/gm)].map(([, name = '']) => name)
    const unknown = commands.filter((command) => !known.some((name) => `${command} `.startsWith(`${name} `)))
    expect(unknown).toEqual([])
    const alerts = read('deploy/observability/alerts.yaml')
    for (const [, alert] of page.matchAll(/`(Latchkey[A-Z]\w+)`/g)) expect(alerts).toContain(`alert: ${alert}`)
    const ops = 'packages/server/src/ops'
    const files = readdirSync(join(repository, ops)).filter((name) => name.endsWith('.ts'))
    const sources = files.map((name) => read(join(ops, name)))
    for (const [, metric = ''] of page.matchAll(/`(latchkey_\w+)`/g)) expect(sources.join()).toContain(`'${metric}'`)
    for (const [, link = ''] of page.matchAll(/\]\(([\w./-]+\.md)/g)) {
      expect([link, existsSync(join(repository, 'docs/guides', link))]).toEqual([link, true])
    }
  })
})

describe('README.md and docs/README.md', () => {
  /** Returns the pages that a page links, as paths in the repository. */
  const linkedBy = (page: string) =>
    [...read(page).matchAll(/\]\((?!https?:)([\w./-]+\.md)/g)].map(([, path = '']) => join(dirname(page), path))
  const linked = [...linkedBy('README.md'), ...linkedBy('docs/README.md')]

  it('link pages that are there', () => {
    expect(linked.filter((path) => !existsSync(join(repository, path)))).toEqual([])
  })

  it('link every page between them, and README.md links docs/README.md', () => {
    const pages = readdirSync(join(repository, 'docs'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.md') && !/^(decisions|reference\/library)\//.test(name))
      .map((name) => `docs/${name}`)
    expect(pages.filter((name) => !linked.includes(name))).toEqual([])
  })
})
