import { deepEqual, ok } from 'node:assert/strict'
import type { Promises } from './contract.js'
import { put, secretOf, stateOf } from './fixtures.js'

const farFuture = Date.UTC(2100, 0, 1)

export const history: Promises = {
  async 'lists every committed change, the newest version of each tenant among them, and none that is not committed'({
    store,
    other,
  }) {
    const alice = await put(store, 'alice', stateOf([secretOf()]))
    const again = await put(store, 'alice', stateOf([secretOf({ generation: 2 })]))
    const bob = await put(other, 'bob', stateOf([secretOf()]))
    await store
      .transaction(async (client) => {
        await store.change('carol', () => stateOf([secretOf()]), client)
        throw new Error('rolled back')
      })
      .catch(() => {})
    const { changes } = await other.changesSince(0)
    const newest = new Map<string, number>()
    for (const { tenant, version } of changes) newest.set(tenant, Math.max(version, newest.get(tenant) ?? 0))
    deepEqual(newest.get('alice'), again.version)
    deepEqual(newest.get('bob'), bob.version)
    ok(again.version > alice.version)
    ok(!newest.has('carol'))
  },

  async 'puts a change that was under way when the horizon was asked for behind it, however it ends'({ store, other }) {
    await put(store, 'alice', stateOf([secretOf()]))
    const before = await other.horizon()
    const horizon = await store.transaction(async (client) => {
      await store.change('alice', () => stateOf([secretOf({ generation: 2 })]), client)
      return other.horizon()
    })
    const { since, changes } = await other.changesSince(farFuture)
    ok(horizon >= before, 'points grow')
    const isListed = changes.some(({ tenant }) => tenant === 'alice')
    ok(isListed || since > horizon, 'a list that leaves the change out begins after the horizon')
  },

  async 'keeps the history whole for whoever begins with what is left of the log'({ store, other }) {
    await put(store, 'earlier', stateOf([secretOf()]))
    const horizon = await other.horizon()
    const written = []
    for (const tenant of ['alice', 'bob', 'carol']) written.push(await put(store, tenant, stateOf([secretOf()])))
    await store.prune(0, farFuture)
    const { since, changes } = await other.changesSince(0)
    for (const { tenant, version } of written) {
      const isListed = changes.some((change) => change.tenant === tenant && change.version >= version)
      ok(
        isListed || since > horizon,
        'what was read before a change that is gone from the log is not taken for complete',
      )
    }
  },
}
