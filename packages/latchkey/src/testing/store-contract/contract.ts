import type { KeyPairStore } from '../../keys/key-pair-store.js'
import type { TenantStore } from '../../secrets/ports.js'

/** A store as `tenantSecrets` and `keyPair` use it. */
export type ContractStore = TenantStore & KeyPairStore

/** Data of their own for one test. */
export interface StoreUnderTest {
  /** A store that is ready for use. Each call opens another one over the same data, as each process of an application does. */
  open(): Promise<ContractStore>
  /** Removes the data; every store opened above is closed by then. */
  remove?(): Promise<void>
}

/** One promise of the contract; `run` rejects with an AssertionError when the store breaks it. */
export interface ContractTest {
  readonly name: string
  run(): Promise<void>
}

/** Two stores over the same data, which hold nothing yet. Where one is enough, it is `store`. */
export interface Subjects {
  readonly store: ContractStore
  readonly other: ContractStore
}

/** A promise, and how to see whether it is kept. */
export type Promises = Readonly<Record<string, (subjects: Subjects) => Promise<void>>>
