import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { npmProblems } from './support/npm-scripts.js'
import { blocksLeftOut, Page } from './support/page.js'
import { createDeployment, startServer } from './support/server-process.js'

const readme = Page.at('README.md')

/** Replaces the parts of an output that differ from run to run. */
function steady(output: string): string {
  return output
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, '<id>')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
}

describe('the README', () => {
  it('shows the output of its walk-through', async () => {
    const steps = readme.takeSteps().filter(({ shown }) => shown !== '')
    expect(steps).toHaveLength(4)
    const deployment = await createDeployment('sqlite')
    const server = await startServer(deployment)
    try {
      const commands = steps.map((step) => step.commands).join('\n')
      const script = commands.replace('http://127.0.0.1:3000', server.url)
      const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', script])
      expect(steady(stdout)).toBe(steady(steps.map((step) => step.shown).join('')))
    } finally {
      await server.stop()
      await deployment.dispose()
    }
  })

  it('begins with commands that npm and this repository have', () => {
    const [quickStart] = readme.takeSteps()
    expect(npmProblems(quickStart?.commands ?? '')).toEqual([])
  })

  it('has no block that these tests leave out', () => {
    expect(blocksLeftOut('README.md')).toEqual([])
  })
})
