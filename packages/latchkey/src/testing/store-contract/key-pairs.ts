import { deepEqual, equal, rejects } from 'node:assert/strict'
import type { KeyPairRecord } from '../../keys/key-pair-store.js'
import type { ContractTests } from './contract.js'
import { keyPairOf, range, someTime } from './fixtures.js'

export const keyPairs: ContractTests = {
  async 'has no key pair in an empty store'({ store }) {
    deepEqual(await store.readKeyPairs(), [])
  },

  async 'replaces the set of key pairs with the result of decide'({ store, other }) {
    const [first, second] = [
      keyPairOf({ stage: 'next' }),
      keyPairOf({ algorithm: 'RS256', retiresAt: someTime, stage: 'previous' }),
    ] as const
    const steps = [[first], [first, second], [{ ...first, stage: 'current' as const }, second], [second], []]
    for (const pairs of steps) {
      deepEqual(inOrder(await store.changeKeyPairs(() => pairs)), inOrder(pairs))
      deepEqual(inOrder(await other.readKeyPairs()), inOrder(pairs))
    }
  },

  async 'changes no key pair when decide throws or returns its argument'({ store }) {
    const pairs = await store.changeKeyPairs(() => [keyPairOf(), keyPairOf()])
    deepEqual(inOrder(await store.changeKeyPairs((current) => current)), inOrder(pairs))
    const refusal = new Error('Refused by the test.')
    const decide = () => {
      throw refusal
    }
    await rejects(store.changeKeyPairs(decide), refusal)
    deepEqual(inOrder(await store.readKeyPairs()), inOrder(pairs))
  },

  async 'loses no key pair when several processes change the set at once'({ store, other }) {
    await Promise.all(
      range(16).map((number) =>
        (number % 2 === 0 ? store : other).changeKeyPairs((current) => [...current, keyPairOf()]),
      ),
    )
    equal((await store.readKeyPairs()).length, 16)
  },

  async 'creates one key pair when many callers create the first at once'({ store, other }) {
    const sets = await Promise.all(
      range(16).map((number) =>
        (number % 2 === 0 ? store : other).changeKeyPairs((current) => (current.length > 0 ? current : [keyPairOf()])),
      ),
    )
    for (const pairs of sets) deepEqual(pairs, sets[0])
    deepEqual(await store.readKeyPairs(), sets[0])
  },
}

function inOrder(pairs: readonly KeyPairRecord[]): readonly KeyPairRecord[] {
  return [...pairs].sort((a, b) => (a.kid < b.kid ? -1 : 1))
}
