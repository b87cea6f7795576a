import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { requireProgram } from '../support/installed-program.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (path: string) => readFileSync(`${root}/${path}`, 'utf8')

interface Rule {
  readonly alert?: string
  readonly annotations?: Readonly<Record<string, string>>
}

describe('the alerts', () => {
  const { groups } = parse(read('deploy/observability/alerts.yaml')) as { groups: { rules: Rule[] }[] }
  const alerts = groups.flatMap(({ rules }) => rules).filter(({ alert }) => alert !== undefined)
  const promtool = (...args: string[]) => spawnSync('promtool', args, { cwd: root, encoding: 'utf8' })

  beforeAll(() => requireProgram('promtool', 'prometheus'))

  it('are rules that promtool accepts', () => {
    const { status, stderr } = promtool(
      'check',
      'rules',
      '--lint=all',
      '--lint-fatal',
      'deploy/observability/alerts.yaml',
    )
    expect([status, stderr]).toEqual([0, ''])
  })

  it('fire exactly under their conditions', () => {
    const { status, stdout, stderr } = promtool('test', 'rules', 'deploy/observability/alerts.test.yaml')
    expect([status, stdout + stderr]).toEqual([0, expect.stringContaining('SUCCESS')])
  })

  it('each link to an existing heading of docs/guides/operations.md', () => {
    const anchors = [...read('docs/guides/operations.md').matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\w\- ]/g, '')
        .replaceAll(' ', '-'),
    )
    expect(alerts.length).toBeGreaterThan(20)
    for (const { alert, annotations } of alerts) {
      const [page, anchor = ''] = annotations?.runbook_url?.split('#') ?? []
      expect([alert, page, anchors.includes(anchor)]).toEqual([alert, 'docs/guides/operations.md', true])
    }
  })
})
