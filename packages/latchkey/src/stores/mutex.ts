import { Semaphore } from '../semaphore.js'

/** Runs one call at a time, in order of arrival. */
export class Mutex extends Semaphore {
  /** A caller that waits longer than `patienceMs` milliseconds fails with `store_busy`. */
  constructor(patienceMs: number) {
    super(1, patienceMs)
  }
}
