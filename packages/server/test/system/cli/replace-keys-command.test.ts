import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { besideServer } from '../../support/beside-server.js'
import { register, tokenState } from '../../support/people.js'
import { databases } from '../../support/start-server.js'

describe.each(databases)('latchkey keys replace beside a running server on %s', (database) => {
  const beside = besideServer(database)

  const rowNames = async () => (await beside.running.server.service.store.readSettings()).map(({ name }) => name)

  it.each(['next:', 'ending:'])(
    'continues where it was killed once there were rows "%s…"',
    async (stage) => {
      const before = await Promise.all([register(beside.running), register(beside.running)])
      const killed = beside.start(['keys', 'replace', '--yes'])
      let isOver = false
      void killed.finished.then(() => {
        isOver = true
      })
      while (!isOver && !(await rowNames()).some((name) => name.startsWith(stage))) await sleep(1)
      await killed.stop('SIGKILL')
      // Users can sign in whatever state it left, at the latest when the server has read the log.
      const signIn = async () => tokenState(beside.running, (await register(beside.running)).token)
      await expect.poll(signIn).toBe(200)
      const { code, stdout } = await beside.run('keys', 'replace', '--yes', '--json')
      expect([code, JSON.parse(stdout).master_key_id]).toEqual([0, 'test'])
      expect((await rowNames()).filter((name) => /^(next|ending):/.test(name))).toEqual([])
      for (const { token, refreshToken } of before) {
        expect(await beside.laterState(token)).not.toBe(200)
        const { status } = await beside.running.api.post('/v1/refresh', { body: { refresh_token: refreshToken } })
        expect(status).toBe(401)
      }
      expect((await beside.run('audit', 'verify')).code).toBe(0)
    },
    180_000,
  )

  it('requires a confirmation', async () => {
    expect((await beside.run('keys', 'replace')).code).toBe(2)
  })

  it('replaces the keys, and master-keys list prints which key encrypts, and how often it did', async () => {
    await register(beside.running)
    const { code, stdout } = await beside.run('master-keys', 'list', '--json')
    const [newest] = JSON.parse(stdout).master_keys
    expect([code, newest]).toEqual([0, { id: 'test', encrypts: true, needed: true, encryptions: expect.any(Number) }])
    expect(newest.encryptions).toBeGreaterThan(0)
  })
})
