import { deepEqual, equal, rejects } from 'node:assert/strict'
import type { ContractTests } from './contract.js'
import { addSecret, put, range, read, secretOf, stateOf } from './fixtures.js'
import { Recorder } from './recorder.js'

export const transactions: ContractTests = {
  async 'commits all changes of a transaction, and returns its result'({ store, other }) {
    const result = await store.transaction(async (client) => {
      await store.change('alice', () => stateOf([secretOf()]), client)
      await store.change('bob', () => stateOf([secretOf()]), client)
      return 'done'
    })
    equal(result, 'done')
    equal((await other.readTenants(['alice', 'bob'])).size, 2)
  },

  async 'shows an earlier change of a transaction to a later one'({ store, other }) {
    const last = await store.transaction(async (client) => {
      await store.change('alice', addSecret, client)
      await store.change('alice', addSecret, client)
      await store.change('bob', addSecret, client)
      await store.change('bob', () => undefined, client)
      return store.change('alice', addSecret, client)
    })
    deepEqual(
      last?.secrets.map((secret) => secret.generation),
      [1, 2, 3],
    )
    deepEqual(await read(other, 'alice'), last)
    equal(await read(other, 'bob'), undefined)
  },

  async 'leaves no trace of a failed transaction, delivers no change of it, and rejects with the reason'({
    store,
    other,
  }) {
    const carol = await put(store, 'carol', stateOf([secretOf()]))
    const [here, there] = [await Recorder.on(store), await Recorder.on(other)]
    const reason = new Error('Failed by the test.')
    const work = store.transaction(async (client) => {
      await store.change('alice', addSecret, client)
      await store.change('carol', () => undefined, client)
      throw reason
    })
    await rejects(work, reason)
    equal(await read(store, 'alice'), undefined)
    deepEqual(await read(other, 'carol'), carol)
    const bob = await put(store, 'bob', stateOf([secretOf()]))
    for (const { recorder, feed } of [here, there]) {
      await recorder.delivered(bob)
      await feed.close()
      deepEqual(recorder.changes, [{ tenant: 'bob', version: bob.version }])
    }
  },

  async 'shows and delivers nothing before the commit'({ store, other }) {
    const [here, there] = [await Recorder.on(store), await Recorder.on(other)]
    const alice = await store.transaction(async (client) => {
      const record = await store.change('alice', addSecret, client)
      for (const { recorder } of [here, there]) {
        await recorder.proof()
        deepEqual(recorder.changes, [])
      }
      equal(await read(store, 'alice'), undefined)
      equal(await read(other, 'alice'), undefined)
      return record
    })
    for (const { recorder, feed } of [here, there]) {
      await recorder.delivered({ tenant: 'alice', version: alice?.version ?? 0 })
      await feed.close()
    }
  },

  async 'notifies the listeners of its own process before it acknowledges the commit'({ store }) {
    const { recorder, feed } = await Recorder.on(store, 1000)
    const { version } = await put(store, 'alice', stateOf([secretOf()]))
    await feed.close()
    deepEqual(recorder.changes, [{ tenant: 'alice', version }])
  },

  async 'loses no change when transactions of several processes change one tenant'({ store, other }) {
    await Promise.all(
      range(12).map((number) => {
        const user = number % 2 === 0 ? store : other
        return user.transaction(async (client) => {
          await user.change('alice', addSecret, client)
          await user.change('alice', addSecret, client)
        })
      }),
    )
    equal((await read(store, 'alice'))?.secrets.length, 24)
  },
}
