import type { KeyPairStore } from '../../keys/key-pair-store.js'
import type { TenantStore } from '../../secrets/ports.js'

/** The store that `tenantSecrets` and `keyPair` use. */
export type ContractStore = TenantStore & KeyPairStore

/** The data of one test. */
export interface StoreUnderTest<Store = ContractStore> {
  /**
   * Opens a store that is ready for use. Each call opens another one over the same data, as each
   * process of an application does.
   */
  open(): Promise<Store>
  /** Removes the data, after every store opened above was closed. */
  remove?(): Promise<void>
}

/** One test of the contract; `run` rejects with an AssertionError if the store violates it. */
export interface ContractTest {
  readonly name: string
  run(): Promise<void>
}

/**
 * Two stores over the same data, which is empty at first. A test that needs one store uses `store`.
 */
export interface Subjects {
  readonly store: ContractStore
  readonly other: ContractStore
}

/** The tests of the contract by their names. */
export type ContractTests = Readonly<Record<string, (subjects: Subjects) => Promise<void>>>
