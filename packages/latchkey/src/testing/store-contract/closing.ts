import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { isLatchkeyError } from '../../errors.js'
import type { Promises } from './contract.js'
import { addSecret, range, read, settingOf } from './fixtures.js'
import { Recorder } from './recorder.js'

const isClosed = { code: 'store_closed' }

export const closing: Promises = {
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

  async 'lets those finish who began before it was closed, or tells them that it is closed'({ store, other }) {
    const changes = Promise.allSettled(range(8).map((number) => store.change(`tenant-${number}`, addSecret)))
    const watching = Promise.allSettled([Recorder.on(store)])
    await store.close()
    const [feed] = await watching
    for (const result of await changes) {
      if (result.status === 'rejected') ok(isLatchkeyError(result.reason) && result.reason.status === 503)
      else if (other !== store) deepEqual(await read(other, result.value?.tenant ?? ''), result.value)
    }
    if (feed.status === 'rejected') ok(isLatchkeyError(feed.reason) && feed.reason.status === 503)
  },

  async 'ends its feeds when it is closed'({ store }) {
    const { recorder } = await Recorder.on(store, 5)
    await store.close()
    const count = recorder.events.length
    await sleep(50)
    equal(recorder.events.length, count)
  },
}
