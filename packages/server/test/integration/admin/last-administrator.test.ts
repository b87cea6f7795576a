import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { operator } from '../../../src/audit/operator.js'
import { holdRequest } from '../../support/held-request.js'
import { createAdmin, freshEmail, type Person, password, register } from '../../support/people.js'
import { databases, startServer, type TestServer } from '../../support/start-server.js'

describe.each(databases)('the last administrator on %s', (database) => {
  let running: TestServer

  beforeEach(async () => {
    running = await startServer({ database })
  })
  afterEach(() => running.stop())

  const demote = (by: Person, { id }: Person) =>
    running.api.patch(`/v1/admin/users/${id}`, { token: by.token, body: { role: 'user' } })
  const deleteMe = ({ token }: Person) => running.api.delete('/v1/me', { token, body: { password } })

  async function administrators(): Promise<string[]> {
    const { rows } = await running.server.service.store.query<{ id: string }>(
      `select id from server_accounts where role = 'admin' and disabled_at is null order by id`,
    )
    return rows.map(({ id }) => id)
  }

  it('cannot delete the own account until there is another administrator', async () => {
    const only = await createAdmin(running)
    const refused = await deleteMe(only)
    expect([refused.status, refused.body.code]).toEqual([409, 'last_administrator'])
    expect(await administrators()).toEqual([only.id])
    const next = await createAdmin(running)
    expect((await deleteMe(only)).status).toBe(204)
    expect(await administrators()).toEqual([next.id])
  })

  it('cannot be disabled or demoted by the operator either', async () => {
    const only = await createAdmin(running)
    const { administration } = running.server.service
    for (const change of [
      () => administration.disable(operator, only.id),
      () => administration.changeGrants(operator, only.id, { role: 'user' }),
    ])
      await expect(change()).rejects.toMatchObject({ code: 'last_administrator', statusCode: 409 })
    expect(await administrators()).toEqual([only.id])
    expect((await running.api.get('/v1/admin/users', { token: only.token })).status).toBe(200)
    // Every other change to it is accepted.
    await administration.changeGrants(operator, only.id, { role: 'admin', scope: 'articles:write' })
    await administration.revoke(operator, only.id)
  })

  it('can be deleted by the operator, who can create the next one', async () => {
    const only = await createAdmin(running)
    await running.server.service.administration.delete(operator, only.id)
    expect(await administrators()).toEqual([])
    const next = await createAdmin(running)
    expect(await administrators()).toEqual([next.id])
  })

  it('remains when two demote, disable or delete each other at the same moment', async () => {
    for (let round = 0; round < 4; round += 1) {
      const [one, other] = [await createAdmin(running), await createAdmin(running)]
      const other_ = running.server.service.administration
      for (const id of await administrators())
        if (id !== one.id && id !== other.id) await other_.changeGrants(operator, id, { role: 'user' })
      const acts = [
        (by: Person, on: Person) => demote(by, on),
        (by: Person, on: Person) => running.api.post(`/v1/admin/users/${on.id}/disable`, { token: by.token }),
        (by: Person, on: Person) => running.api.delete(`/v1/admin/users/${on.id}`, { token: by.token }),
      ]
      const act = acts[round % acts.length] ?? demote
      const answers = await Promise.all([act(one, other), act(other, one)])
      expect(answers.filter(({ status }) => status < 300)).toHaveLength(1)
      expect(await administrators()).toHaveLength(1)
    }
  })

  it('remains when the guards accepted both of two requests before either demotion', async () => {
    const [one, other] = [await createAdmin(running), await createAdmin(running)]
    const body = { role: 'user' }
    const held = [
      await holdRequest(running.url, 'PATCH', `/v1/admin/users/${other.id}`, { token: one.token, body }),
      await holdRequest(running.url, 'PATCH', `/v1/admin/users/${one.id}`, { token: other.token, body }),
    ]
    const answers = await Promise.all(held.map((request) => request.release()))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(await administrators()).toHaveLength(1)
  })

  it('remains when all delete their own accounts at the same moment', async () => {
    const all = [await createAdmin(running), await createAdmin(running), await createAdmin(running)]
    const answers = await Promise.all(all.map(deleteMe))
    expect(answers.map(({ status }) => status).toSorted()).toEqual([204, 204, 409])
    expect(await administrators()).toHaveLength(1)
  })

  it('remains when all delete their own accounts and are demoted at the same moment, on two servers', async () => {
    const second = await running.startAnother()
    try {
      const [one, other] = [await createAdmin(running), await createAdmin(running)]
      const answers = await Promise.all([
        second.api.delete('/v1/me', { token: one.token, body: { password } }),
        demote(one, other),
      ])
      expect(answers.filter(({ status }) => status < 300)).toHaveLength(1)
      expect(await administrators()).toHaveLength(1)
    } finally {
      await second.stop()
    }
  })

  it('stays protected when the only other administrator cannot sign in', async () => {
    const strict = await startServer({
      database,
      configuration: { unverifiedSignIn: 'refuse' },
    })
    try {
      const only = await createAdmin(strict)
      const email = freshEmail()
      await strict.api.post('/v1/register', { body: { email, password } })
      const { administration } = strict.server.service
      const unverified = await administration.find(email)
      await administration.changeGrants(operator, unverified.id, { role: 'admin' })
      const refused = await strict.api.delete('/v1/me', { token: only.token, body: { password } })
      expect(refused.body.code).toBe('last_administrator')
      // An administrator who cannot sign in can be demoted.
      await administration.changeGrants(operator, unverified.id, { role: 'user' })
    } finally {
      await strict.stop()
    }
  })

  it('does not prevent other users from deleting their accounts', async () => {
    const only = await createAdmin(running)
    const person = await register(running)
    expect((await deleteMe(person)).status).toBe(204)
    expect(await administrators()).toEqual([only.id])
  })
})
