import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Keyring } from 'latchkey'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '../../../../../test/support/free-port.js'
import { startRedis } from '../../../../../test/support/start-redis.js'
import { besideServer, outcomeOf } from '../../support/beside-server.js'
import { Command, type Finished } from '../../support/command.js'
import { register } from '../../support/people.js'
import { databases } from '../../support/start-server.js'

interface Finding {
  readonly check: string
  readonly level: string
  readonly detail: string
  readonly remedy?: string
}

function findingsIn({ stdout }: Finished): readonly Finding[] {
  return (JSON.parse(stdout) as { findings: readonly Finding[] }).findings
}

function levels(finished: Finished): Record<string, string> {
  return Object.fromEntries(findingsIn(finished).map(({ check, level }) => [check, level]))
}

describe.each(databases)('beside a running server on %s, latchkey doctor', (database) => {
  const beside = besideServer(database)
  const doctor = (env: Record<string, string> = {}) => beside.start(['doctor', '--json'], '', env).finished

  it('finds no fault, and reports the result of each check', async () => {
    await register(beside.running)
    const finished = await doctor()
    expect(outcomeOf(finished)).toEqual([0, undefined])
    expect(levels(finished)).toMatchObject({
      database: 'ok',
      'database writing': 'ok',
      schema: 'ok',
      clock: 'ok',
      'change feed': 'ok',
      secrets: 'ok',
      'master keys': 'ok',
      redis: 'ok',
    })
    expect(findingsIn(finished).every(({ level, remedy }) => (level === 'ok') === (remedy === undefined))).toBe(true)
  })

  it('reports a master key that is missing, wrong, still needed, or unused', async () => {
    const [ring = '', id = ''] = [beside.deployment.masterKeys, 'test']
    const [wrong, newer] = [Keyring.generate(id), Keyring.generate('k2')]
    const attempts = [newer, wrong, `${newer},${ring}`, `${ring},${newer}`]
    const [missing, bad, needed, idle] = await Promise.all(
      attempts.map((masterKeys) => doctor({ LATCHKEY_MASTER_KEYS: masterKeys })),
    )
    if (!missing || !bad || !needed || !idle) throw new Error('One of four has no answer.')
    expect([missing, bad].map(outcomeOf)).toEqual([
      [1, 'unhealthy'],
      [1, 'unhealthy'],
    ])
    expect([needed, idle].map(outcomeOf)).toEqual([
      [0, undefined],
      [0, undefined],
    ])
    expect([levels(needed)['master keys'], levels(idle)['master keys']]).toEqual(['warn', 'ok'])
    expect(findingsIn(needed).find(({ check }) => check === 'master keys')?.remedy).toContain('rewrap')
    for (const { stdout, stderr } of [missing, bad, needed, idle]) {
      expect(stdout + stderr).not.toContain(ring.slice(ring.indexOf(':') + 1))
    }
  })
})

describe('latchkey doctor', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'latchkey-doctor-'))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const run = (args: readonly string[], env: Record<string, string> = {}) =>
    new Command(args, { LATCHKEY_DATA_DIR: join(folder, 'data'), ...env }).finished

  it('creates nothing on a machine without data', async () => {
    const finished = await run(['doctor', '--json'], { LATCHKEY_DATA_DIR: join(folder, 'none') })
    expect([finished.code, levels(finished).database]).toEqual([0, 'ok'])
    expect((await run(['backup', 'create', join(folder, 'x')], { LATCHKEY_DATA_DIR: join(folder, 'none') })).code).toBe(
      2,
    )
  })

  it('reports files that other users may read', async () => {
    await run(['migrate'])
    chmodSync(join(folder, 'data', 'latchkey.db'), 0o644)
    const finished = await run(['doctor'])
    expect(outcomeOf(finished)).toEqual([1, 'unhealthy'])
    expect(finished.stdout).toMatch(/^fail {2}data folder .*latchkey\.db\n.*chmod/m)
  })

  it('checks Redis, and reports when it is unavailable', async () => {
    const redis = await startRedis()
    try {
      const [there, away] = await Promise.all([
        run(['doctor', '--json'], { REDIS_URL: redis.url }),
        run(['doctor', '--json'], { REDIS_URL: `redis://127.0.0.1:${await freePort()}` }),
      ])
      expect([levels(there)['redis memory'], levels(away).redis]).toEqual(['ok', 'fail'])
    } finally {
      await redis.dispose()
    }
  })

  it('reports an unavailable database, and a server without TLS', async () => {
    const finished = await run(['doctor', '--json'], {
      DATABASE_URL: `postgres://user:hunter2@127.0.0.1:${await freePort()}/x`,
      LATCHKEY_MASTER_KEYS: Keyring.generate('k1'),
      LATCHKEY_ISSUER: 'http://auth.example.com',
    })
    expect(outcomeOf(finished)).toEqual([1, 'unhealthy'])
    expect(levels(finished)).toMatchObject({ issuer: 'warn', database: 'fail' })
    expect(finished.stdout).not.toContain('hunter2')
    expect((await run(['doctor'], { PORT: 'x' })).code).toBe(78)
  })
})
