import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import type { TenantState } from '../../secrets/ports.js'
import type { ContractTests } from './contract.js'
import { addSecret, put, range, read, secretOf, someTime, sorted, stateOf } from './fixtures.js'
import { Recorder } from './recorder.js'

export const changing: ContractTests = {
  async 'writes the result of decide: new, altered and missing secrets and sessions'({ store, other }) {
    const [first, second, third] = [secretOf(), secretOf({ generation: 2 }), secretOf({ generation: 3 })] as const
    const grants = { masterKeyId: 'key-1', sealed: 'first' }
    const steps: readonly ReturnType<typeof stateOf>[] = [
      stateOf([first], [{ sessionId: 'phone', until: someTime }]),
      stateOf([{ ...first, retiresAt: someTime }, second], [{ sessionId: 'tablet', until: someTime }]),
      { ...stateOf([{ ...second, reissueRequired: true }, third]), disabledAt: someTime, revokedAt: someTime },
      stateOf([third], [{ sessionId: 'phone', until: someTime + 1 }]),
      stateOf([], [{ sessionId: 'phone', until: someTime + 2 }]),
      { ...stateOf([first]), grants },
      { ...stateOf([first]), disabledAt: someTime, grants: { masterKeyId: 'key-2', sealed: 'second' } },
      { ...stateOf([]), grants },
      { ...stateOf([first]), revokedAt: someTime + 1 },
      { ...stateOf([]), revokedAt: someTime + 2, forgottenUntil: someTime + 3 },
      stateOf([first]),
    ]
    for (const state of steps) {
      const written = await put(store, 'alice', state)
      deepEqual(written, sorted({ tenant: 'alice', version: written.version, ...state }))
      deepEqual(await read(other, 'alice'), written)
    }
  },

  async 'seals grants for the version of the change, also when many writers change the tenant'({ store, other }) {
    const grants = (version: number) => ({ masterKeyId: 'key-1', sealed: `version ${version}` })
    const records = await Promise.all(
      range(12).map((number) =>
        (number % 2 === 0 ? store : other).change('alice', (current) => ({ ...addSecret(current), grants })),
      ),
    )
    for (const record of records) deepEqual(record?.grants, grants(record?.version ?? 0))
    const final = await read(store, 'alice')
    deepEqual(final?.grants, grants(final?.version ?? 0))
    await rejects(
      store.transaction(async (client) => {
        await store.change('alice', (current) => ({ ...addSecret(current), grants }), client)
        throw new Error('Rolled back by the test.')
      }),
    )
    deepEqual(await read(other, 'alice'), final)
  },

  async 'passes the stored tenant to decide'({ store, other }) {
    const written = await put(store, 'alice', stateOf([secretOf()]))
    await other.change('alice', (current) => {
      deepEqual(current, written)
      return current
    })
    await other.change('absent', (current) => {
      equal(current, undefined)
      return current
    })
  },

  async 'leaves other tenants unchanged'({ store }) {
    const bob = await put(store, 'bob', stateOf([secretOf()], [{ sessionId: 'phone', until: someTime }]))
    await put(store, 'alice', stateOf([secretOf()], [{ sessionId: 'phone', until: someTime }]))
    await put(store, 'alice', stateOf([]))
    await store.change('alice', () => undefined)
    deepEqual(await read(store, 'bob'), bob)
  },

  async 'raises the version with every change, also when a tenant is forgotten and created again'({ store, other }) {
    const { recorder, feed } = await Recorder.on(store)
    let steps = 0
    let newest = 0
    const expectNewer = async () => {
      steps += 1
      await recorder.until(`change ${steps} was delivered`, () => recorder.changes.length === steps)
      const version = recorder.changes.at(-1)?.version ?? 0
      ok(version > newest)
      newest = version
    }
    for (const user of [store, other, store]) {
      const first = await put(user, 'alice', stateOf([secretOf()]))
      await expectNewer()
      equal(first.version, newest)
      await put(other, 'alice', stateOf([]))
      await expectNewer()
      equal(await user.change('alice', () => undefined), undefined)
      await expectNewer()
    }
    await feed.close()
  },

  async 'forgets a tenant with all its secrets, sessions and grants'({ store, other }) {
    const secret = secretOf()
    const grants = { masterKeyId: 'key-1', sealed: 'x' }
    await put(store, 'alice', { ...stateOf([secret], [{ sessionId: 'phone', until: someTime }]), grants })
    equal(await store.change('alice', () => undefined), undefined)
    equal(await read(other, 'alice'), undefined)
    equal((await other.readByKid([secret.kid])).size, 0)
    const anew = await put(store, 'alice', stateOf([]))
    deepEqual([anew.endedSessions, anew.grants], [[], null])
  },

  async 'changes nothing when decide returns its argument'({ store }) {
    const { recorder, feed } = await Recorder.on(store)
    const written = await put(store, 'alice', stateOf([secretOf()]))
    deepEqual(await store.change('alice', (current) => current), written)
    equal(await store.change('absent', () => undefined), undefined)
    deepEqual(await read(store, 'alice'), written)
    equal(await read(store, 'absent'), undefined)
    await recorder.proof()
    await feed.close()
    deepEqual(recorder.changes, [{ tenant: 'alice', version: written.version }])
  },

  async 'changes nothing when decide throws, and rejects with its error'({ store }) {
    const written = await put(store, 'alice', stateOf([secretOf()]))
    const refusal = new Error('Refused by the test.')
    const decide = () => {
      throw refusal
    }
    await rejects(store.change('alice', decide), refusal)
    await rejects(store.change('absent', decide), refusal)
    deepEqual(await read(store, 'alice'), written)
    equal(await read(store, 'absent'), undefined)
  },

  async 'refuses a kid that belongs to another tenant'({ store }) {
    const secret = secretOf()
    const alice = await put(store, 'alice', stateOf([secret]))
    await rejects(store.change('bob', () => stateOf([secret])))
    equal(await read(store, 'bob'), undefined)
    deepEqual((await store.readByKid([secret.kid])).get(secret.kid), alice)
  },

  async 'loses no change when many writers of several processes change one tenant'({ store, other }) {
    const records = await Promise.all(
      range(24).map((number) => (number % 2 === 0 ? store : other).change('alice', addSecret)),
    )
    const final = await read(store, 'alice')
    deepEqual(
      final?.secrets.map((secret) => secret.generation),
      range(24).map((number) => number + 1),
    )
    // The number of secrets in a record shows the order in which the changes were applied.
    const inOrder = records.toSorted((a, b) => (a?.secrets.length ?? 0) - (b?.secrets.length ?? 0))
    const versions = inOrder.map((record) => record?.version ?? 0)
    ok(versions.every((version, index) => index === 0 || version > (versions[index - 1] ?? 0)))
    equal(final?.version, versions.at(-1))
  },

  async 'creates one tenant when many callers provision it at once'({ store, other }) {
    for (const tenant of range(5).map(String)) {
      const provision = (current: TenantState | undefined) => current ?? stateOf([secretOf()])
      const records = await Promise.all(
        range(10).map((number) => (number % 2 === 0 ? store : other).change(tenant, provision)),
      )
      const final = await read(store, tenant)
      for (const record of records) deepEqual(record, final)
    }
  },

  async 'raises versions while some writers forget the tenant and others create it again'({ store, other }) {
    const { recorder, feed } = await Recorder.on(store)
    const toggle = (current: TenantState | undefined) => (current === undefined ? stateOf([secretOf()]) : undefined)
    await Promise.all(range(24).map((number) => (number % 2 === 0 ? store : other).change('alice', toggle)))
    equal(await read(store, 'alice'), undefined)
    const last = await put(store, 'alice', stateOf([]))
    await recorder.delivered(last)
    await recorder.proof()
    await feed.close()
    equal(recorder.changes.length, 25)
    equal(Math.max(...recorder.changes.map((change) => change.version)), last.version)
  },
}
