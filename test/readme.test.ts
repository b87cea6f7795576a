import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { createDeployment, startServer } from './support/server-process.js'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

/** The commands of the walk-through and what the README shows of their output, in turn. */
function steps(): { commands: string; shown: string }[] {
  const section = readme.slice(readme.indexOf('## Walk-through'), readme.indexOf('## The library'))
  const pairs = section.matchAll(/```sh\n(.*?)```\s+```\n(.*?)```/gs)
  return [...pairs].map(([, commands = '', shown = '']) => ({ commands, shown }))
}

/** What differs from run to run. */
function steady(output: string): string {
  return output
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, '<id>')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
}

describe('the README', () => {
  it('shows what its walk-through prints', async () => {
    const walk = steps()
    expect(walk).toHaveLength(4)
    const deployment = await createDeployment('sqlite')
    const server = await startServer(deployment)
    try {
      const commands = walk.map((step) => step.commands).join('\n')
      const script = commands.replace('http://127.0.0.1:3000', server.url)
      const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', script])
      expect(steady(stdout)).toBe(steady(walk.map((step) => step.shown).join('')))
    } finally {
      await server.stop()
      await deployment.dispose()
    }
  })
})
