import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { isLatchkeyError } from '../../errors.js'
import { sleep } from '../../timers.js'
import type { ContractTests } from './contract.js'
import { addSecret, read, settingOf } from './fixtures.js'
import { Recorder } from './recorder.js'

const isClosed = { code: 'store_closed' }

export const closing: ContractTests = {
  async 'refuses every call after it was closed, and may be closed twice'({ store }) {
    await store.change('alice', addSecret)
    await store.close()
    await store.close()
    await rejects(store.readTenants(['alice']), isClosed)
    await rejects(store.readByKid(['kid']), isClosed)
    await rejects(store.change('alice', addSecret), isClosed)
    await rejects(
      store.transaction(async () => {}),
      isClosed,
    )
    await rejects(
      store.setting('kid-key', () => settingOf('kid-key')),
      isClosed,
    )
    await rejects(store.readKeyPairs(), isClosed)
    await rejects(Recorder.on(store), isClosed)
  },

  async 'lets a transaction finish that began before it was closed'({ store, other }) {
    let closing = Promise.resolve()
    const alice = await store.transaction(async (client) => {
      await store.change('alice', addSecret, client)
      closing = store.close()
      await sleep(20)
      return store.change('alice', addSecret, client)
    })
    await closing
    equal(alice?.secrets.length, 2)
    if (other !== store) deepEqual(await read(other, 'alice'), alice)
  },

  async 'starts no feed while it is being closed'({ store }) {
    await store.readTenants(['alice'])
    const recorder = new Recorder()
    const watching = Promise.allSettled([store.watch(recorder, recorder.options(5))])
    await store.close()
    const [feed] = await watching
    if (feed.status === 'rejected') ok(isLatchkeyError(feed.reason) && feed.reason.status === 503)
    const count = recorder.events.length
    await sleep(50)
    equal(recorder.events.length, count)
  },

  async 'ends its feeds when it is closed'({ store }) {
    const { recorder } = await Recorder.on(store, 5)
    await store.close()
    const count = recorder.events.length
    await sleep(50)
    equal(recorder.events.length, count)
  },
}
