import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fillGrants } from '../../../src/admin/fill-grants.js'
import { Machines } from '../../support/machines.js'
import { createAdmin, type Person, register } from '../../support/people.js'
import { databases, startServer, type TestServer } from '../../support/start-server.js'

const granted = { roles: ['editor'], scope: 'articles:read' }

describe.each(databases)('grants of accounts and clients, on %s', (database) => {
  let running: TestServer
  let admin: Person

  beforeEach(async () => {
    running = await startServer({ database })
    admin = await createAdmin(running)
  })
  afterEach(() => running.stop())

  const grantsOf = async (id: string) => (await running.server.service.keys.describe(id))?.grants
  const grant = (id: string, body: object) => running.api.patch(`/v1/admin/users/${id}`, { token: admin.token, body })

  it('apply at once on every server to tokens that were issued before', async () => {
    const other = await running.startAnother()
    try {
      const person = await register(running)
      const scope = async () =>
        (await other.api.get('/v1/forward-auth', { token: person.token })).headers.get('x-auth-scope')
      expect(await scope()).toBe('')
      await grant(person.id, granted)
      await expect.poll(scope).toBe('articles:read')
      await grant(person.id, { scope: '' })
      await expect.poll(scope).toBe('')
    } finally {
      await other.server.close()
    }
  })

  it('are written at the next start for older accounts and clients, which have no rights until then', async () => {
    const { service } = running.server
    const person = await register(running)
    const mere = await register(running)
    await grant(person.id, granted)
    const machine = await (await Machines.with(running)).create({ scope: 'reports:read' })
    // Leaves the rows as an older version wrote them.
    for (const id of [admin.id, person.id, machine.id]) await service.keys.setGrants(id, null)
    expect((await running.api.get('/v1/admin/users', { token: admin.token })).body.code).toBe('admin_required')
    expect((await service.latchkey.verify(person.token)).grants).toEqual({ roles: [], scope: '' })
    const { version } = (await service.keys.describe(mere.id)) ?? {}

    const other = await running.startAnother()
    await other.server.close()
    expect(await grantsOf(admin.id)).toMatchObject({ role: 'admin' })
    expect(await grantsOf(person.id)).toEqual(granted)
    expect(await grantsOf(machine.id)).toEqual({ client: true, roles: [], scope: 'reports:read' })
    expect((await service.keys.describe(mere.id))?.version).toBe(version)
    expect(await fillGrants(service)).toEqual({ filled: 0, tooLarge: 0 })
    await expect.poll(async () => (await running.api.get('/v1/admin/users', { token: admin.token })).status).toBe(200)
  })

  it('are skipped at the start where they are too large, and refused in a change', async () => {
    const { service } = running.server
    const person = await register(running)
    await service.store.query('update server_accounts set scope = $1 where id = $2', ['x'.repeat(1024), person.id])
    expect(await fillGrants(service)).toEqual({ filled: 0, tooLarge: 1 })
    expect(await grantsOf(person.id)).toEqual({ roles: [], scope: '' })
    expect((await grant(person.id, { roles: ['editor'] })).body.code).toBe('grants_too_large')
    expect((await grant(person.id, { scope: 'articles:read' })).status).toBe(200)
    const body = { name: 'payroll', scope: 'x'.repeat(1024), may_introspect: false }
    const refused = await running.api.post('/v1/admin/clients', { token: admin.token, body })
    expect([refused.status, refused.body.code]).toEqual([400, 'grants_too_large'])
  })

  it('are not changed by an administrator who has not seen the last change', async () => {
    const person = await register(running)
    const none = { role: 'user', roles: [], scope: '' }
    expect((await grant(person.id, { ...granted, expected: none })).status).toBe(200)
    const unseen = [none, { ...none, ...granted, role: 'auditor' }, { ...none, ...granted, roles: ['editor', 'owner'] }]
    for (const expected of unseen) {
      const { status, body } = await grant(person.id, { scope: 'articles:write', expected })
      expect([status, body.code]).toEqual([409, 'grants_changed_meanwhile'])
    }
    expect(await grantsOf(person.id)).toEqual(granted)
    expect((await grant(person.id, { scope: '', expected: { ...none, ...granted } })).status).toBe(200)
    expect((await grant(person.id, { expected: none })).body.code).toBe('validation_failed')
  })

  it('are changed by one of two administrators who have seen the same', async () => {
    const person = await register(running)
    const expected = { role: 'user', roles: [], scope: '' }
    const scopes = ['a', 'b', 'c', 'd']
    const answers = await Promise.all(scopes.map((scope) => grant(person.id, { scope, expected })))
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 409, 409, 409])
    const saved = scopes[answers.findIndex(({ status }) => status === 200)]
    expect(await grantsOf(person.id)).toEqual({ roles: [], scope: saved })
  })

  it('survive disabling and enabling, and end with the account', async () => {
    const person = await register(running)
    await grant(person.id, granted)
    for (const action of ['disable', 'enable', 'revoke', 'rotate']) {
      await running.api.post(`/v1/admin/users/${person.id}/${action}`, { token: admin.token })
      expect(await grantsOf(person.id), action).toEqual(granted)
    }
    await running.api.delete(`/v1/admin/users/${person.id}`, { token: admin.token })
    expect(await grantsOf(person.id)).toBeUndefined()
  })

  it('of a token are shown to an administrator who inspects it, beside its claims, which grant nothing', async () => {
    const person = await register(running)
    await grant(person.id, granted)
    const inspect = async (token: string) =>
      (await running.api.post('/v1/admin/inspect', { token: admin.token, body: { token } })).body
    expect(await inspect(person.token)).toMatchObject({ accepted: true, grants: granted })
    expect(await inspect(`${person.token}x`)).toMatchObject({ accepted: false, grants: null })
  })
})
