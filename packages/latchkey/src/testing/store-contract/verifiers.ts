import { deepEqual, equal, fail, ok } from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { Verifier } from '../../secrets/ports.js'
import { performance, sleep } from '../../timers.js'
import type { ContractStore, ContractTests } from './contract.js'
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

  async 'reports a verifier as silent until all earlier changes were delivered to it'({ store, other }) {
    const { recorder, feed } = await Recorder.on(other)
    await other.renewLease({ id: recorder.verifierId, maxStalenessMs: 2000 }, 60_000)
    for (const number of range(20)) {
      const record = await store.change(`tenant-${number % 3}`, addSecret)
      const request = await store.requestAcknowledgements()
      await untilAcknowledged(store, request)
      ok(
        recorder.changes.some(({ version }) => version === record?.version),
        'it acknowledges a change that was not delivered to it',
      )
    }
    await feed.close()
  },

  async 'reports no acknowledgement of a closed feed, nor of a verifier without one'({ store, other }) {
    const { recorder: gone, feed: closed } = await Recorder.on(other)
    const { recorder: present, feed } = await Recorder.on(other)
    for (const { verifierId } of [gone, present])
      await other.renewLease({ id: verifierId, maxStalenessMs: 250 }, 60_000)
    const mute = verifierOf()
    await store.renewLease(mute, 60_000)
    await closed.close()
    const request = await store.requestAcknowledgements()
    const silent = [gone.verifierId, mute.id]
    await untilAcknowledged(store, request, silent)
    deepEqual(new Set((await store.verifiers(request)).map(({ id }) => id)), new Set(silent))
    await feed.close()
  },

  async 'takes the acknowledgement of a later request for those before it, and of no later one'({ store, other }) {
    const { recorder, feed } = await Recorder.on(store)
    await store.renewLease({ id: recorder.verifierId, maxStalenessMs: 2000 }, 60_000)
    const requests = await Promise.all(
      range(10).map((number) => (number % 2 === 0 ? store : other).requestAcknowledgements()),
    )
    equal(new Set(requests).size, requests.length)
    await untilAcknowledged(other, Math.max(...requests))
    for (const request of requests) deepEqual(await other.verifiers(request), [])
    await feed.close()
    const unread = await other.requestAcknowledgements()
    ok(unread > Math.max(...requests))
    equal((await other.verifiers(unread)).length, 1)
  },
}

/** Resolves once every verifier with a lease, except the silent ones, has acknowledged. */
async function untilAcknowledged(store: ContractStore, request: number, silent: readonly string[] = []): Promise<void> {
  const giveUpAt = performance.now() + patienceMs
  for (;;) {
    const waiting = (await store.verifiers(request)).filter(({ id }) => !silent.includes(id))
    if (waiting.length === 0) return
    if (performance.now() > giveUpAt) fail('A verifier did not acknowledge.')
    await sleep(5)
  }
}
