import { deepEqual, equal, ok } from 'node:assert/strict'
import type { Promises } from './contract.js'
import { put, secretOf, stateOf } from './fixtures.js'

/** Longer than anything was logged ago. */
const everMs = Date.UTC(2000, 0, 1)

/** As a clock sees it that is far ahead. */
const pruneAll = { now: 0, keepMs: 0, changeLogMs: -everMs }

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
    const { changes } = await other.changesSince(everMs)
    const newest = new Map<string, number>()
    for (const { tenant, version } of changes) newest.set(tenant, Math.max(version, newest.get(tenant) ?? 0))
    deepEqual(newest.get('alice'), again.version)
    deepEqual(newest.get('bob'), bob.version)
    ok(again.version > alice.version)
    ok(!newest.has('carol'))
  },

  async 'puts a change that was under way when the low-water mark was asked for behind it, however it ends'({
    store,
    other,
  }) {
    await put(store, 'alice', stateOf([secretOf()]))
    const { lowWaterMark: before } = await other.lowWaterMark()
    const { lowWaterMark } = await store.transaction(async (client) => {
      await store.change('alice', () => stateOf([secretOf({ generation: 2 })]), client)
      return other.lowWaterMark()
    })
    const { since, changes } = await other.changesSince(-everMs)
    ok(lowWaterMark >= before, 'points grow')
    const isListed = changes.some(({ tenant }) => tenant === 'alice')
    ok(isListed || since > lowWaterMark, 'a list that leaves the change out begins after the low-water mark')
  },

  async 'keeps the history whole for whoever begins with what is left of the log'({ store, other }) {
    await put(store, 'earlier', stateOf([secretOf()]))
    const { lowWaterMark } = await other.lowWaterMark()
    const written = []
    for (const tenant of ['alice', 'bob', 'carol']) written.push(await put(store, tenant, stateOf([secretOf()])))
    await store.prune(pruneAll)
    const { since, changes } = await other.changesSince(everMs)
    for (const { tenant, version } of written) {
      const isListed = changes.some((change) => change.tenant === tenant && change.version >= version)
      ok(
        isListed || since > lowWaterMark,
        'what was read before a change that is gone from the log is not taken for complete',
      )
    }
  },

  async 'names one history, whoever reads it and whatever is changed and pruned'({ store, other }) {
    const { history } = await store.lowWaterMark()
    ok(Number.isSafeInteger(history))
    equal((await other.changesSince(everMs)).history, history)
    await put(other, 'alice', stateOf([secretOf()]))
    await other.prune(pruneAll)
    for (const reader of [store, other]) {
      equal((await reader.lowWaterMark()).history, history)
      equal((await reader.changesSince(0)).history, history)
    }
  },

  async 'begins a list at the present where nothing is left of the log'({ store, other }) {
    const { since, changes } = await other.changesSince(everMs)
    deepEqual(changes, [])
    const { lowWaterMark } = await store.lowWaterMark()
    ok(since <= lowWaterMark, 'what is read from now on is complete')
    const { version } = await put(store, 'alice', stateOf([secretOf()]))
    const after = await other.changesSince(everMs)
    ok(after.changes.some((change) => change.version === version) || after.since > lowWaterMark)
  },
}
