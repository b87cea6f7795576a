import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { createDeployment, runCommand, startServer } from './support/server-process.js'

const repository = fileURLToPath(new URL('..', import.meta.url))
const read = (path: string) => readFileSync(join(repository, path), 'utf8')
const operationPattern = /`((?:GET|POST|PATCH|DELETE) \/[^`]*)`/g

/** The commands of the examples and what the page shows of their output, in turn; what prints nothing is followed by nothing. */
function steps(page: string): { commands: string; shown: string }[] {
  const blocks = [...page.matchAll(/```sh\n(.*?)```(?:\s+```\n(.*?)```)?/gs)]
  return blocks.map(([, commands = '', shown = '']) => ({ commands, shown }))
}

describe('docs/api.md', () => {
  it('lists every route once, and shows what its examples print', async () => {
    const page = read('docs/api.md')
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
      const examples = steps(page)
      const script = examples.map(({ commands }) => commands).join('\n')
      const { stdout } = await promisify(execFile)(
        'bash',
        ['-euo', 'pipefail', '-c', script.replace('http://127.0.0.1:3000', server.url)],
        { cwd: folder },
      )
      expect(stdout).toBe(examples.map(({ shown }) => shown).join(''))
    } finally {
      await server.stop()
      await deployment.dispose()
      rmSync(folder, { recursive: true, force: true })
    }
  })
})

describe('docs/threat-model.md', () => {
  const page = read('docs/threat-model.md')

  it('names for each attack a test that is there', () => {
    const named = [...page.matchAll(/\[([^\]]+)\]\((\.\.\/[\w./-]+\.test\.ts)\)/g)]
    expect(named.length).toBeGreaterThan(40)
    for (const [, title = '', path = ''] of named) {
      const file = join('docs', path)
      expect([file, existsSync(join(repository, file))]).toEqual([file, true])
      expect(read(file), `${file} has no test "${title}"`).toContain(title)
    }
  })

  it('has no attack without a test', () => {
    const rows = page
      .split('\n')
      .filter((line) => /^\| [^-]/.test(line) && line.includes(' | ') && !/^\| (attack|asset|actor)/.test(line))
    const attacks = rows.filter((line) => line.split(' | ').length >= 3)
    expect(attacks.filter((line) => !line.includes('.test.ts)'))).toEqual([])
  })
})

describe('docs/operations.md', () => {
  const page = read('docs/operations.md')

  it('names commands, metrics, alerts and pages that are there', () => {
    const reference = read('docs/cli.md')
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
      expect([link, existsSync(join(repository, 'docs', link))]).toEqual([link, true])
    }
  })
})

describe('README.md', () => {
  it('links pages that are there, and every page is linked', () => {
    const linked = [...read('README.md').matchAll(/\]\(([\w./-]+\.md)/g)].map(([, path = '']) => path)
    expect(linked.filter((path) => !existsSync(join(repository, path)))).toEqual([])
    const pages = readdirSync(join(repository, 'docs')).filter((name) => name.endsWith('.md'))
    expect(pages.filter((name) => !linked.includes(`docs/${name}`))).toEqual([])
  })
})
