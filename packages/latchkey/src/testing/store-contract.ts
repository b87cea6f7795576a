import { changing } from './store-contract/changing.js'
import { closing } from './store-contract/closing.js'
import type { ContractTest, StoreUnderTest } from './store-contract/contract.js'
import { feed } from './store-contract/feed.js'
import { history } from './store-contract/history.js'
import { keyPairs } from './store-contract/key-pairs.js'
import { reading } from './store-contract/reading.js'
import { type SessionContractStore, sessions } from './store-contract/sessions.js'
import { transactions } from './store-contract/transactions.js'
import { upkeep } from './store-contract/upkeep.js'
import { verifiers } from './store-contract/verifiers.js'

export type { ContractStore, ContractTest, StoreUnderTest } from './store-contract/contract.js'
export type { SessionContractStore } from './store-contract/sessions.js'

/**
 * Returns the tests that every store must pass, as plain functions for any test runner. Together
 * they take some seconds; no test depends on another.
 *
 * @param create Called once per test. Returns data that is empty and belongs to this test alone.
 * @example
 * ```ts
 * import { test } from 'node:test'
 * import { memoryStore } from 'latchkey/memory'
 * import { storeContract } from 'latchkey/store-contract'
 *
 * async function create() {
 *   const store = memoryStore()
 *   return { open: async () => store }
 * }
 * for (const { name, run } of storeContract(create)) test(name, run)
 * ```
 */
export function storeContract(create: () => Promise<StoreUnderTest>): readonly ContractTest[] {
  const ofTenants = { ...reading, ...changing, ...transactions, ...history }
  const tests = { ...ofTenants, ...feed, ...verifiers, ...upkeep, ...keyPairs, ...closing }
  return Object.entries(tests).map(([name, check]) => ({ name, run: () => runOn(create, check) }))
}

/**
 * Returns the tests that a store must pass beside `storeContract` if `createSessions` is to use it.
 *
 * @param create As in `storeContract`.
 * @example
 * ```ts
 * import { test } from 'node:test'
 * import { memoryStore } from 'latchkey/memory'
 * import { sessionContract } from 'latchkey/store-contract'
 *
 * async function create() {
 *   const store = memoryStore()
 *   return { open: async () => store }
 * }
 * for (const { name, run } of sessionContract(create)) test(name, run)
 * ```
 */
export function sessionContract(create: () => Promise<StoreUnderTest<SessionContractStore>>): readonly ContractTest[] {
  return Object.entries(sessions).map(([name, check]) => ({ name, run: () => runOn(create, check) }))
}

async function runOn<Store extends { close(): Promise<void> }>(
  create: () => Promise<StoreUnderTest<Store>>,
  check: (subjects: { readonly store: Store; readonly other: Store }) => Promise<void>,
): Promise<void> {
  const subject = await create()
  const store = await subject.open()
  const other = await subject.open()
  try {
    await check({ store, other })
  } finally {
    await Promise.all([store.close(), other.close()])
    await subject.remove?.()
  }
}
