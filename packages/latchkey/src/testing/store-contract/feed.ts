import { deepEqual, equal, ok } from 'node:assert/strict'
import { performance, sleep } from '../../timers.js'
import type { ContractTests } from './contract.js'
import { addSecret, put, range, secretOf, stateOf } from './fixtures.js'
import { oddTenants } from './reading.js'
import { type Acknowledged, Recorder } from './recorder.js'

export const feed: ContractTests = {
  async 'delivers every change of every process, with its version'({ store, other }) {
    const { recorder, feed } = await Recorder.on(store)
    for (const user of [store, other]) {
      const written = await put(user, 'alice', stateOf([secretOf()]))
      await recorder.delivered(written)
      await user.change('alice', () => undefined)
      await recorder.until('the forget was delivered', () => (recorder.changes.at(-1)?.version ?? 0) > written.version)
    }
    await feed.close()
    deepEqual(new Set(recorder.changes.map((change) => change.tenant)), new Set(['alice']))
    equal(recorder.changes.length, 4)
  },

  async 'delivers tenant IDs unchanged, with any characters'({ store, other }) {
    const { recorder, feed } = await Recorder.on(store)
    for (const tenant of oddTenants) {
      const { version } = await put(other, tenant, stateOf([]))
      await recorder.delivered({ tenant, version })
    }
    await feed.close()
  },

  async 'notifies every listener'({ store, other }) {
    const recorders = [await Recorder.on(store), await Recorder.on(store), await Recorder.on(other)]
    const written = await put(store, 'alice', stateOf([]))
    for (const { recorder, feed } of recorders) {
      await recorder.delivered(written)
      await feed.close()
    }
  },

  async 'delivers every change that is committed after watch has resolved'({ store, other }) {
    for (const number of range(10)) {
      const { recorder, feed } = await Recorder.on(store)
      await recorder.delivered(await put(other, `tenant-${number}`, stateOf([])))
      await feed.close()
    }
  },

  async 'proves freshness again and again while nothing happens'({ store }) {
    const { recorder, feed } = await Recorder.on(store, 10)
    for (let proofs = 0; proofs < 5; proofs += 1) await recorder.proof()
    await feed.close()
    deepEqual(new Set(recorder.events.map((event) => event.kind)), new Set(['proved']))
  },

  async 'proves a moment only after delivering every change acknowledged before it'({ store, other }) {
    const { recorder, feed } = await Recorder.on(store, 2)
    const acknowledged: Acknowledged[] = []
    for (const number of range(150)) {
      const record = await other.change(`tenant-${number % 3}`, addSecret)
      acknowledged.push({ version: record?.version ?? 0, atMs: performance.now() })
      // Pauses of different lengths let proofs fall at every distance from a commit.
      if (number % 3 === 0) await sleep(number % 7)
    }
    await recorder.proof()
    await feed.close()
    equal(recorder.brokenProof(acknowledged), undefined)
    ok(recorder.events.filter((event) => event.kind === 'proved').length > 10)
  },

  async 'delivers nothing after it was closed'({ store, other }) {
    const { recorder, feed } = await Recorder.on(store, 5)
    await feed.close()
    const count = recorder.events.length
    await put(store, 'alice', stateOf([]))
    await put(other, 'bob', stateOf([]))
    await sleep(50)
    equal(recorder.events.length, count)
    await feed.close()
  },
}
