import { deepEqual, equal, ok } from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Promises } from './contract.js'
import { addSecret, put, range, secretOf, stateOf } from './fixtures.js'
import { oddTenants } from './reading.js'
import { type Acknowledged, Recorder } from './recorder.js'

export const feed: Promises = {
  async 'tells every change of every process, with its version'({ store, other }) {
    const { recorder, feed } = await Recorder.on(store)
    for (const user of [store, other]) {
      const written = await put(user, 'alice', stateOf([secretOf()]))
      await recorder.told(written)
      await user.change('alice', () => undefined)
      await recorder.until('the forget was told', () => (recorder.changes.at(-1)?.version ?? 0) > written.version)
    }
    await feed.close()
    deepEqual(new Set(recorder.changes.map((change) => change.tenant)), new Set(['alice']))
    equal(recorder.changes.length, 4)
  },

  async 'tells tenant IDs as they are, whatever characters they hold'({ store, other }) {
    const { recorder, feed } = await Recorder.on(store)
    for (const tenant of oddTenants) {
      const { version } = await put(other, tenant, stateOf([]))
      await recorder.told({ tenant, version })
    }
    await feed.close()
  },

  async 'tells every listener'({ store, other }) {
    const recorders = [await Recorder.on(store), await Recorder.on(store), await Recorder.on(other)]
    const written = await put(store, 'alice', stateOf([]))
    for (const { recorder, feed } of recorders) {
      await recorder.told(written)
      await feed.close()
    }
  },

  async 'tells what is committed after watch resolved, from the first moment'({ store, other }) {
    for (const number of range(10)) {
      const { recorder, feed } = await Recorder.on(store)
      await recorder.told(await put(other, `tenant-${number}`, stateOf([])))
      await feed.close()
    }
  },

  async 'proves itself again and again while nothing happens'({ store }) {
    const { recorder, feed } = await Recorder.on(store, 10)
    for (let proofs = 0; proofs < 5; proofs += 1) await recorder.proof()
    await feed.close()
    deepEqual(new Set(recorder.events.map((event) => event.kind)), new Set(['proved']))
  },

  async 'proves a moment only when every change acknowledged before it was told'({ store, other }) {
    const { recorder, feed } = await Recorder.on(store, 2)
    const acknowledged: Acknowledged[] = []
    for (const number of range(150)) {
      const record = await other.change(`tenant-${number % 3}`, addSecret)
      acknowledged.push({ version: record?.version ?? 0, atMs: performance.now() })
      // A pause of no fixed length lets proofs fall at every distance from a commit.
      if (number % 3 === 0) await sleep(number % 7)
    }
    await recorder.proof()
    await feed.close()
    equal(recorder.brokenProof(acknowledged), undefined)
    ok(recorder.events.filter((event) => event.kind === 'proved').length > 10)
  },

  async 'tells nothing after it was closed'({ store, other }) {
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
