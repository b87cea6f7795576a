import { deepEqual, equal, ok } from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Verifier } from '../../secrets/ports.js'
import type { Promises } from './contract.js'
import { addSecret, range } from './fixtures.js'
import { Recorder } from './recorder.js'

const verifierOf = (maxStalenessMs = 2000): Verifier => ({ id: randomUUID(), maxStalenessMs })

const patienceMs = 10_000

export const verifiers: Promises = {
  async 'lists the verifiers of every process, from their registration until they leave'({ store, other }) {
    const [one, two] = [verifierOf(250), verifierOf(60_000)]
    deepEqual(await store.verifiers(), [])
    await store.renewLease(one, 60_000)
    await other.renewLease(two, 60_000)
    for (const reader of [store, other]) {
      const listed = await reader.verifiers()
      deepEqual(new Set(listed.map(({ id }) => id)), new Set([one.id, two.id]))
      deepEqual(
        listed.find(({ id }) => id === one.id),
        one,
      )
    }
    await other.releaseLease(one.id)
    await other.releaseLease('nobody')
    deepEqual(await store.verifiers(), [two])
  },

  async 'lists a verifier for as long as it asked for last'({ store, other }) {
    const [short, renewed] = [verifierOf(), verifierOf()]
    await store.renewLease(short, 1)
    await store.renewLease(renewed, 1)
    await store.renewLease(renewed, 60_000)
    await sleep(20)
    deepEqual(await other.verifiers(), [renewed])
    await other.prune({ now: 0, keepMs: 0, changeLogMs: 0 })
    deepEqual(await store.verifiers(), [renewed])
  },

  async 'has everybody who watches answer, once they were told of what was committed before'({ store, other }) {
    const { recorder: asking, feed } = await Recorder.on(store)
    if (feed.requestAcknowledgements === undefined) return feed.close()
    const { recorder: answering, feed: theirs } = await Recorder.on(other)
    for (const number of range(20)) {
      const record = await store.change(`tenant-${number % 3}`, addSecret)
      const answered = new Set<string>()
      const stop = feed.requestAcknowledgements((id) => {
        if (id !== answering.verifierId) return
        ok(
          answering.changes.some(({ version }) => version === record?.version),
          'it says that it was told of what it was not told',
        )
        answered.add(id)
        answering.wake()
      })
      await answering.until('it answered', () => answered.size === 1)
      stop()
    }
    ok(asking.verifierId !== answering.verifierId)
    await Promise.all([feed.close(), theirs.close()])
  },

  async 'has nobody answer who watches no more, and calls nobody who asks no more'({ store, other }) {
    const { feed } = await Recorder.on(store)
    if (feed.requestAcknowledgements === undefined) return feed.close()
    const { recorder: gone, feed: closed } = await Recorder.on(other)
    const { recorder: present, feed: theirs } = await Recorder.on(other)
    await closed.close()
    const answered: string[] = []
    const impatient: string[] = []
    feed.requestAcknowledgements((id) => impatient.push(id))()
    const calls = impatient.length
    const stop = feed.requestAcknowledgements((id) => answered.push(id))
    const giveUpAt = performance.now() + patienceMs
    while (!answered.includes(present.verifierId) && performance.now() < giveUpAt) await sleep(5)
    stop()
    equal(answered.includes(present.verifierId), true)
    equal(answered.includes(gone.verifierId), false)
    equal(impatient.length, calls)
    await Promise.all([feed.close(), theirs.close()])
  },
}
