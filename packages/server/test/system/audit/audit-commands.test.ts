import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDeployment, type Deployment, openStore } from '../../../../../test/support/server-process.js'
import { readConfiguration } from '../../../src/config/configuration.js'
import { Command } from '../../support/command.js'
import { createAdmin, register } from '../../support/people.js'
import { databases, startServer, type TestServer } from '../../support/start-server.js'

describe.each(databases)('beside a running server on %s, latchkey audit', (database) => {
  let deployment: Deployment
  let running: TestServer
  const command = (...args: string[]) => new Command(['audit', ...args], { ...deployment.env }).finished

  beforeAll(async () => {
    deployment = await createDeployment(database)
    const { database: place } = readConfiguration(deployment.env)
    running = await startServer({ database, configuration: { database: place } })
    await createAdmin(running)
    await register(running)
    await running.server.service.auditChain.seal()
  })
  afterAll(async () => {
    await running.stop()
    await deployment.dispose()
  })

  it('export prints a JSON line for each entry, oldest first, with its position', async () => {
    const { code, stdout } = await command('export')
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(code).toBe(0)
    expect(lines.map(({ event, actor, outcome }) => [event, actor === 'cli', outcome])).toEqual([
      ['register', true, 'done'],
      ['login', false, 'done'],
      ['register', false, 'done'],
    ])
    expect(lines.map(({ seq }) => seq).toSorted()).toEqual([1, 2, 3])
    expect(Object.keys(lines[0])).toEqual([
      'id',
      'at',
      'event',
      'outcome',
      'actor',
      'account',
      'session',
      'address',
      'detail',
      'tag',
      'seq',
      'link',
    ])
    expect(new Date(lines[0].at).toISOString()).toBe(lines[0].at)
  })

  it('export accepts a period', async () => {
    expect((await command('export', '--until', '2020-01-01')).stdout).toBe('')
    expect((await command('export', '--since', '2020-01-01T00:00:00Z')).stdout.split('\n')).toHaveLength(4)
    const { code, stderr } = await command('export', '--since', 'yesterday')
    expect([code, stderr.split(':')[1]]).toEqual([2, ' usage_invalid'])
  })

  it('verify prints the head, which the next verify can compare', async () => {
    const { code, stdout } = await command('verify')
    expect(code).toBe(0)
    const head = /^head (3:[\w-]{43})$/m.exec(stdout)?.[1] ?? ''
    expect(await command('verify', '--head', head)).toMatchObject({ code: 0 })
    const unknown = await command('verify', '--head', head.replace('3:', '2:'))
    expect(unknown.code).toBe(1)
    expect(unknown.stdout).toMatch(/^head_unexpected at 2$/m)
    expect((await command('verify', '--head', 'x')).code).toBe(2)
  })

  it('verify exits with 1 and names the fault, in text and in JSON', async () => {
    const store = openStore(deployment)
    await store.query(`update server_audit set outcome = 'refused' where seq = 2`)
    await store.close()
    const broken = await command('verify')
    expect([broken.code, broken.stderr.split(':')[1]]).toEqual([1, ' audit_chain_broken'])
    expect(broken.stdout).toMatch(/^entry_changed at 2 \(entry [0-9a-f-]{36}\)$/m)
    const { code, stdout } = await command('verify', '--json')
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({ entries: 3, findings: [{ fault: 'entry_changed', seq: 2 }] })
  })
})
