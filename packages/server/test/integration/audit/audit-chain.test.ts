import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { deliverLetters } from '../../support/letters.js'
import { createAdmin, login, password, register } from '../../support/people.js'
import { databases, startServer, type TestServer } from '../../support/start-server.js'

const day = 86_400_000

/**
 * Writes five entries: a registration, a failed login, a login, a change of the name and a change
 * of the password.
 */
async function live(running: TestServer): Promise<void> {
  const { email } = await register(running)
  await running.api.post('/v1/login', { body: { email, password: 'not the right password' } })
  const { token } = await login(running, email)
  await running.api.patch('/v1/me', { token, body: { name: 'Ada' } })
  await running.api.post('/v1/me/password', {
    token,
    body: { current_password: password, new_password: `${password}!` },
  })
}

async function findingsOf({ server }: TestServer, expected?: { seq: number; link: string }) {
  const { findings } = await server.service.auditChain.verify(expected)
  return findings.map(({ fault, seq }) => [fault, seq])
}

describe.each(databases)('the audit log on %s', (database) => {
  let running: TestServer
  const run = (sql: string, values: unknown[] = []) => running.server.service.store.query(sql, values)
  const seal = () => running.server.service.auditChain.seal()

  beforeEach(async () => {
    running = await startServer({ database })
    await live(running)
    await live(running)
    await seal()
  })
  afterEach(() => running.stop())

  it('is one chain without a gap, and verification finds no fault', async () => {
    const verdict = await running.server.service.auditChain.verify()
    expect(verdict).toMatchObject({ entries: 10, unsealed: 0, anchor: { seq: 0 }, head: { seq: 10 }, findings: [] })
  })

  it('links new entries by itself, within moments', async () => {
    await live(running)
    await expect.poll(async () => (await running.server.service.auditChain.verify()).entries).toBe(15)
  })

  it('verifies every entry, and names each one that was changed', async () => {
    const changes = {
      id: `'00000000-0000-7000-8000-000000000000'`,
      at: 'at + 1',
      event: `'logout'`,
      outcome: `'refused'`,
      actor: `'cli'`,
      account_id: 'null',
      session_id: 'null',
      address: `'192.0.2.7'`,
      detail: `'{"reason":"none"}'`,
      tag: `''`,
    }
    for (const [column, changed] of Object.entries(changes)) {
      for (const seq of [1, 4, 10]) {
        const { rows } = await run(`select ${column} as genuine from server_audit where seq = $1`, [seq])
        await run(`update server_audit set ${column} = ${changed} where seq = $1`, [seq])
        expect([column, await findingsOf(running)]).toEqual([column, [['entry_changed', seq]]])
        await run(`update server_audit set ${column} = $1 where seq = $2`, [rows[0]?.genuine, seq])
      }
    }
    expect(await findingsOf(running)).toEqual([])
  })

  it('names a link that was changed', async () => {
    await run('update server_audit set link = $1 where seq = 4', ['x'])
    expect(await findingsOf(running)).toEqual([
      ['order_changed', 4],
      ['order_changed', 5],
    ])
  })

  it.each([
    ['the first', 1],
    ['a middle one', 5],
  ])('reports that %s was removed', async (_, seq) => {
    await run('delete from server_audit where seq = $1', [seq])
    expect(await findingsOf(running)).toEqual([['entries_missing', seq + 1]])
  })

  it('reports a removed entry when the gap was closed', async () => {
    await run('delete from server_audit where seq = 5')
    for (let seq = 6; seq <= 10; seq += 1) await run('update server_audit set seq = $1 where seq = $2', [seq - 1, seq])
    expect(await findingsOf(running)).toContainEqual(['order_changed', 5])
  })

  it('reports a removed tail when the head was set back or removed as well', async () => {
    await run('delete from server_audit where seq > 8')
    expect(await findingsOf(running)).toEqual([['tail_missing', 9]])
    const { rows } = await run('select seq, link from server_audit where seq = 8')
    await run(`update server_audit_marks set seq = 8, link = $1 where name = 'head'`, [rows[0]?.link])
    expect(await findingsOf(running)).toEqual([['head_changed', 8]])
    await run(`delete from server_audit_marks where name = 'head'`)
    expect(await findingsOf(running)).toEqual([['head_missing', 8]])
    await live(running)
    await expect(seal(), 'the server does not paper over it').rejects.toMatchObject({ code: 'audit_chain_broken' })
  })

  it('reports that two entries changed places', async () => {
    const { rows } = await run('select id, seq, link from server_audit where seq in (3, 7) order by seq')
    const [third, seventh] = rows
    await run('update server_audit set seq = null where seq in (3, 7)')
    for (const [id, place] of [
      [third?.id, seventh],
      [seventh?.id, third],
    ] as const) {
      await run('update server_audit set seq = $1, link = $2 where id = $3', [place?.seq, place?.link, id])
    }
    expect(await findingsOf(running)).toEqual([
      ['order_changed', 3],
      ['order_changed', 7],
    ])
  })

  it('reports an entry that was taken out of the chain, changed and linked anew', async () => {
    await run(`update server_audit set seq = null, link = null, event = 'logout' where seq = 4`)
    await seal()
    expect(await findingsOf(running)).toEqual([
      ['entries_missing', 5],
      ['entry_changed', 11],
    ])
  })

  it('reports an entry that the server did not write, linked or not yet', async () => {
    const made = `'00000000-0000-7000-8000-00000000000a', at, 'login', outcome, actor, account_id, session_id, address, tag`
    const columns = 'id, at, event, outcome, actor, account_id, session_id, address, tag'
    await run(`insert into server_audit (${columns}) select ${made} from server_audit where seq = 1`)
    expect(await findingsOf(running)).toEqual([['entry_changed', undefined]])
    await seal()
    expect(await findingsOf(running)).toEqual([['entry_changed', 11]])
  })

  it('cannot detect that all of it was set back to an earlier state, unless a head was recorded elsewhere', async () => {
    const entries = (await run('select * from server_audit')).rows
    const marks = (await run('select * from server_audit_marks')).rows
    await live(running)
    await seal()
    const { head } = await running.server.service.auditChain.verify()
    expect(await findingsOf(running, head)).toEqual([])
    for (const [table, rows] of [
      ['server_audit', entries],
      ['server_audit_marks', marks],
    ] as const) {
      await run(`delete from ${table}`)
      for (const row of rows) {
        const places = Object.keys(row).map((_, index) => `$${index + 1}`)
        await run(`insert into ${table} (${Object.keys(row).join()}) values (${places.join()})`, Object.values(row))
      }
    }
    expect(await findingsOf(running)).toEqual([])
    expect(await findingsOf(running, head)).toEqual([['head_unexpected', 15]])
  })

  describe('after the retention time', () => {
    beforeEach(async () => {
      // A letter that is still queued would expire, which would write one more entry.
      await deliverLetters(running)
      running.clock.advance(3 * day)
      await live(running)
      await seal()
      await running.server.service.auditChain.prune(running.clock.now() - day)
    })

    it('loses its oldest entries, and is verified from the cut on', async () => {
      expect(await running.server.service.auditChain.verify()).toMatchObject({
        entries: 5,
        anchor: { seq: 10 },
        head: { seq: 15 },
        findings: [],
      })
      await live(running)
      await seal()
      expect(await findingsOf(running)).toEqual([])
    })

    it('still reports missing entries', async () => {
      await run('delete from server_audit where seq = 11')
      expect(await findingsOf(running)).toEqual([['entries_missing', 12]])
    })

    it('reports when more was cut off than the server removed', async () => {
      const { rows } = await run('select seq, link from server_audit where seq = 12')
      await run('delete from server_audit where seq <= 12')
      await run(`update server_audit_marks set seq = 12, link = $1 where name = 'anchor'`, [rows[0]?.link])
      expect(await findingsOf(running)).toEqual([['anchor_changed', 12]])
    })

    it('is not pruned where it is damaged, because that is evidence', async () => {
      await run(`update server_audit set outcome = 'refused' where seq = 12 or seq = 11`)
      await expect(running.server.service.auditChain.prune(running.clock.now() + day)).rejects.toMatchObject({
        code: 'audit_chain_broken',
      })
      expect((await running.server.service.auditChain.verify()).entries).toBe(5)
    })

    it('can be pruned to nothing, and continues', async () => {
      await running.server.service.auditChain.prune(running.clock.now() + day)
      expect(await running.server.service.auditChain.verify()).toMatchObject({
        entries: 0,
        head: { seq: 15 },
        findings: [],
      })
      await live(running)
      await seal()
      expect(await running.server.service.auditChain.verify()).toMatchObject({
        entries: 5,
        head: { seq: 20 },
        findings: [],
      })
    })
  })

  it('is in the transaction of the change: neither is written without the other', async () => {
    const { email, token } = await register(running)
    await run('alter table server_audit rename to server_audit_away')
    const answers = [
      await running.api.post('/v1/login', { body: { email, password } }),
      await running.api.post('/v1/logout', { token }),
      await running.api.post('/v1/register', { body: { email: 'new@example.com', password } }),
    ]
    expect(answers.map(({ status }) => status)).toEqual([503, 503, 503])
    await run('alter table server_audit_away rename to server_audit')
    const { rows } = await run(
      'select id from server_sessions where account_id = (select id from server_accounts where email = $1)',
      [email],
    )
    expect(rows, 'the login opened no session').toHaveLength(1)
    expect((await running.api.get('/v1/me', { token })).status, 'the logout ended none').toBe(200)
    expect((await running.api.post('/v1/register', { body: { email: 'new@example.com', password } })).status).toBe(201)
  })
})

describe.each(databases)('two servers that write one audit log on %s', (database) => {
  let first: TestServer
  let second: TestServer

  beforeAll(async () => {
    first = await startServer({ database })
    second = await first.startAnother()
  })
  afterAll(async () => {
    await second.stop()
    await first.stop()
  })

  it('write one chain, whichever server links', async () => {
    const admin = await createAdmin(first)
    const people = await Promise.all([register(first), register(second), register(first), register(second)])
    const work = people.flatMap(({ email }) => [first, second].map((server) => login(server, email)))
    const sealing = Array.from({ length: 20 }, (_, n) =>
      (n % 2 === 0 ? first : second).server.service.auditChain.seal(),
    )
    await Promise.all([...work, ...sealing])
    await Promise.all([first, second].map(({ server }) => server.service.auditChain.seal()))
    const verdict = await second.server.service.auditChain.verify()
    expect(verdict).toMatchObject({ entries: 2 + 4 + 8, unsealed: 0, findings: [] })
    const { body } = await first.api.get('/v1/admin/audit?event=login&limit=100', { token: admin.token })
    expect(body.entries).toHaveLength(9)
  })
})
