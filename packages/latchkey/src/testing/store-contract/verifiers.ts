import { deepEqual, equal, ok } from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Verifier } from '../../secrets/ports.js'
import type { ContractTests } from './contract.js'
import { addSecret, range } from './fixtures.js'
import { Recorder } from './recorder.js'

const verifierOf = (maxStalenessMs = 2000): Verifier => ({ id: randomUUID(), maxStalenessMs })

const patienceMs = 10_000

export const verifiers: ContractTests = {
  async 'lists the verifiers of every process while they hold a lease'({ store, other }) {
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
    await other.releaseLease('absent')
    deepEqual(await store.verifiers(), [two])
  },

  async 'lists a verifier until its last lease expires'({ store, other }) {
    const [short, renewed] = [verifierOf(), verifierOf()]
    await store.renewLease(short, 1)
    await store.renewLease(renewed, 1)
    await store.renewLease(renewed, 60_000)
    await sleep(20)
    deepEqual(await other.verifiers(), [renewed])
    await other.prune({ now: 0, keepMs: 0, changeLogMs: 0 })
    deepEqual(await store.verifiers(), [renewed])
  },

  async 'reports the acknowledgement of every watching verifier after all earlier changes were delivered to it'({
    store,
    other,
  }) {
    const { recorder: asking, feed } = await Recorder.on(store)
    if (feed.requestAcknowledgements === undefined) return feed.close()
    const { recorder: acknowledging, feed: theirs } = await Recorder.on(other)
    for (const number of range(20)) {
      const record = await store.change(`tenant-${number % 3}`, addSecret)
      const acknowledged = new Set<string>()
      const stop = feed.requestAcknowledgements((id) => {
        if (id !== acknowledging.verifierId) return
        ok(
          acknowledging.changes.some(({ version }) => version === record?.version),
          'it acknowledges a change that was not delivered to it',
        )
        acknowledged.add(id)
        acknowledging.wake()
      })
      await acknowledging.until('it acknowledged', () => acknowledged.size === 1)
      stop()
    }
    ok(asking.verifierId !== acknowledging.verifierId)
    await Promise.all([feed.close(), theirs.close()])
  },

  async 'reports no acknowledgement of a closed feed, and none after the question was withdrawn'({ store, other }) {
    const { feed } = await Recorder.on(store)
    if (feed.requestAcknowledgements === undefined) return feed.close()
    const { recorder: gone, feed: closed } = await Recorder.on(other)
    const { recorder: present, feed: theirs } = await Recorder.on(other)
    await closed.close()
    const acknowledged: string[] = []
    const withdrawn: string[] = []
    feed.requestAcknowledgements((id) => withdrawn.push(id))()
    const calls = withdrawn.length
    const stop = feed.requestAcknowledgements((id) => acknowledged.push(id))
    const giveUpAt = performance.now() + patienceMs
    while (!acknowledged.includes(present.verifierId) && performance.now() < giveUpAt) await sleep(5)
    stop()
    equal(acknowledged.includes(present.verifierId), true)
    equal(acknowledged.includes(gone.verifierId), false)
    equal(withdrawn.length, calls)
    await Promise.all([feed.close(), theirs.close()])
  },
}
