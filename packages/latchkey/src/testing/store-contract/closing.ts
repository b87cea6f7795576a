import { equal, rejects } from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Promises } from './contract.js'
import { addSecret, settingOf } from './fixtures.js'
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

  async 'ends its feeds when it is closed'({ store }) {
    const { recorder } = await Recorder.on(store, 5)
    await store.close()
    const count = recorder.events.length
    await sleep(50)
    equal(recorder.events.length, count)
  },
}
