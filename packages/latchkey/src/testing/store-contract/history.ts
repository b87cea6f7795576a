import { deepEqual, equal, ok } from 'node:assert/strict'
import type { ContractTests } from './contract.js'
import { put, secretOf, stateOf } from './fixtures.js'

/** Longer than the age of every change in the log. */
const everMs = Date.UTC(2000, 0, 1)

/** The options of a process whose clock is far ahead. */
const pruneAll = { now: 0, keepMs: 0, changeLogMs: -everMs }

export const history: ContractTests = {
  async 'lists every committed change, with the newest version of each tenant, and no uncommitted one'({
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

  async 'returns a low-water mark below every open change, whether that commits or not'({ store, other }) {
    await put(store, 'alice', stateOf([secretOf()]))
    const { lowWaterMark: before } = await other.lowWaterMark()
    const { lowWaterMark } = await store.transaction(async (client) => {
      await store.change('alice', () => stateOf([secretOf({ generation: 2 })]), client)
      return other.lowWaterMark()
    })
    const { since, changes } = await other.changesSince(-everMs)
    ok(lowWaterMark >= before, 'low-water marks grow')
    const isListed = changes.some(({ tenant }) => tenant === 'alice')
    ok(isListed || since > lowWaterMark, 'a list without the change begins after the low-water mark')
  },

  async 'leaves no gap for a reader that begins with the rest of a pruned log'({ store, other }) {
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
        'data read before a change that was pruned from the log does not count as complete',
      )
    }
  },

  async 'returns one history to every reader, whatever is changed and pruned'({ store, other }) {
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

  async 'begins a list at the present if the log is empty'({ store, other }) {
    const { since, changes } = await other.changesSince(everMs)
    deepEqual(changes, [])
    const { lowWaterMark } = await store.lowWaterMark()
    ok(since <= lowWaterMark, 'data read from now on is complete')
    const { version } = await put(store, 'alice', stateOf([secretOf()]))
    const after = await other.changesSince(everMs)
    ok(after.changes.some((change) => change.version === version) || after.since > lowWaterMark)
  },
}
