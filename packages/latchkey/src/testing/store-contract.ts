import { changing } from './store-contract/changing.js'
import { closing } from './store-contract/closing.js'
import type { ContractTest, StoreUnderTest, Subjects } from './store-contract/contract.js'
import { feed } from './store-contract/feed.js'
import { history } from './store-contract/history.js'
import { keyPairs } from './store-contract/key-pairs.js'
import { reading } from './store-contract/reading.js'
import { transactions } from './store-contract/transactions.js'
import { upkeep } from './store-contract/upkeep.js'
import { verifiers } from './store-contract/verifiers.js'

export type { ContractStore, ContractTest, StoreUnderTest } from './store-contract/contract.js'

/**
 * The tests that every store must pass, as plain functions for any test runner. `create` gives each of them data of its own, empty and
 * ready for use. They take some seconds; none depends on another.
 *
 * @example
 * for (const { name, run } of storeContract(create)) test(name, run)
 */
export function storeContract(create: () => Promise<StoreUnderTest>): readonly ContractTest[] {
  const ofTenants = { ...reading, ...changing, ...transactions, ...history }
  const promises = { ...ofTenants, ...feed, ...verifiers, ...upkeep, ...keyPairs, ...closing }
  return Object.entries(promises).map(([name, holds]) => ({ name, run: () => runOn(create, holds) }))
}

async function runOn(
  create: () => Promise<StoreUnderTest>,
  holds: (subjects: Subjects) => Promise<void>,
): Promise<void> {
  const subject = await create()
  const store = await subject.open()
  const other = await subject.open()
  try {
    await holds({ store, other })
  } finally {
    await Promise.all([store.close(), other.close()])
    await subject.remove?.()
  }
}
