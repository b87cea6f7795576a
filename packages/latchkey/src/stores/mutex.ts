import { Semaphore } from './semaphore.js'

/** Lets one caller through at a time, in order of arrival. */
export class Mutex extends Semaphore {
  /** A caller that has waited `patienceMs` milliseconds for its turn fails with `store_busy`. */
  constructor(patienceMs: number) {
    super(1, patienceMs)
  }
}
