import { describe, expect, it } from 'vitest'
import { freePort } from '../../../../../test/support/free-port.js'
import { createAdmin, register } from '../../support/people.js'
import { databases, startServer } from '../../support/start-server.js'

interface Part {
  readonly name: string
  readonly state: string
  readonly summary: string
  readonly advice: string
}

describe.each(databases)('the health of a server on %s', (database) => {
  it('is described in words with advice, and contains no secret and no connection string', async () => {
    let free = 50_000_000_000
    const redisUrl = `redis://:s3cret@127.0.0.1:${await freePort()}`
    const running = await startServer({ database, configuration: { redisUrl }, parts: { freeBytes: async () => free } })
    const { token } = await createAdmin(running)
    const read = async () => {
      const { status, body } = await running.api.get('/v1/admin/health', { token })
      expect(status).toBe(200)
      return body as unknown as { readonly parts: readonly Part[] }
    }
    const stateOf = async (name: string) => (await read()).parts.find((part) => part.name === name)?.state
    const { parts } = await read()
    expect(Object.fromEntries(parts.map(({ name, state }) => [name, state]))).toEqual({
      database: 'ok',
      change_feed: 'ok',
      redis: 'down',
      mail: 'degraded',
      master_keys: 'ok',
      backups: 'degraded',
      audit_log: 'ok',
      disk: 'ok',
      network: 'degraded',
    })
    expect(parts.every(({ state, advice }) => (state === 'ok') === (advice === ''))).toBe(true)
    const { masterKeys } = running.server.service.database
    for (const secret of ['s3cret', 'redis://', 'postgres://', masterKeys.slice(masterKeys.indexOf(':') + 1)]) {
      expect(JSON.stringify(parts)).not.toContain(secret)
    }
    // Nothing is linked to a head that is not genuine.
    const forge = `update server_audit_marks set tag = 'forged' where name = 'head' returning name`
    // The head exists once the first entries are in the chain.
    await expect.poll(async () => (await running.server.service.store.query(forge)).rows.length).toBe(1)
    await register(running)
    running.clock.advance(120_000)
    free = 1
    if (database === 'sqlite') await expect.poll(() => stateOf('disk')).toBe('down')
    await expect.poll(() => stateOf('audit_log')).toBe('down')
    await running.stop()
  })
})
