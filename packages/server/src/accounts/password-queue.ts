import { availableParallelism } from 'node:os'
import { enclosingNetworks } from '../ip-address.js'
import type { Problem } from '../problem.js'
import type { RequestOrigin } from '../request-origin.js'
import { accountFailures } from './failures.js'
import { FairPriorityQueue, type QueuedEntry, type QueueRequest } from './fair-priority-queue.js'
import type { Comparison, PasswordHasher } from './password-hasher.js'

/** Limits of the queue: hashes that run at once, and hashes that wait. */
export interface PasswordQueueOptions {
  readonly parallel: number
  readonly maxWaiting: number
}

/** A device that has signed in to an account before. */
export interface KnownDevice {
  readonly account: string
  /** The device token, which is authentic and known to the account. */
  readonly token: string
}

/**
 * A hash to compute: its purpose and the client that needs it. The queue is fair between purposes,
 * and within each purpose between networks. `account`: the signed-in account; the queue is fair
 * between the accounts of a network.
 */
export type PasswordTask =
  | { readonly use: 'login'; readonly origin: RequestOrigin; readonly device: KnownDevice | undefined }
  | { readonly use: 'account'; readonly origin: RequestOrigin; readonly account: string }
  | { readonly use: 'registration' | 'link'; readonly origin: RequestOrigin }
  | { readonly use: 'operator' }

/** The purpose of a hash. */
export type PasswordUse = PasswordTask['use']

/**
 * The reason of a refusal. `full`: no room for the network of the request. `displaced`: made room
 * for a request of a network with fewer waiting. `abandoned`: the client closed the connection.
 */
export type QueueRefusal = 'full' | 'displaced' | 'abandoned'

/** Called with each refusal. */
export type OnQueueRefusal = (use: PasswordUse, reason: QueueRefusal) => void

/** Threads of Node's pool when the command has started it (see `bin/latchkey.js`). */
const threads = Math.min(availableParallelism(), 4)

/**
 * One hash is computed and one is ready, so that no thread waits for the event loop between two.
 */
const runningPerThread = 2

/** Hashes that may wait for each thread: about one second of work. */
const waitingPerThread = 32

/** Seconds after which a full queue is empty again. */
const retryAfterSec = 2

/** The cost of a hash with the parameters of another system or an older cost. */
const outdatedCost = 4

/** Priority requests that may wait for one device token; further ones wait with their network. */
const maxPriorityPerDevice = 2

/** Returns limits that keep all threads busy, with about one second of work waiting. */
export function defaultPasswordQueue(): PasswordQueueOptions {
  return { parallel: threads * runningPerThread, maxWaiting: threads * waitingPerThread }
}

/** A waiting request. */
interface Waiter {
  start(): void
  refuse(reason: QueueRefusal): void
}

/**
 * Hashes passwords in fair order between networks, and refuses at once (`overloaded`) what exceeds
 * its capacity. Networks take turns (`enclosingNetworks`), so that a network does not gain by
 * having many addresses. A full queue refuses the newest request of the largest network. Logins on
 * known devices have priority. A request whose connection closes while it waits is dropped.
 */
export class PasswordQueue {
  readonly #hasher: PasswordHasher
  readonly #options: PasswordQueueOptions
  readonly #onRefusal: OnQueueRefusal
  readonly #queue: FairPriorityQueue<Waiter>
  /** The number of waiting priority requests of each device. */
  readonly #priorityByDevice = new Map<string, number>()
  #running = 0

  constructor(
    hasher: PasswordHasher,
    options: PasswordQueueOptions = defaultPasswordQueue(),
    onRefusal: OnQueueRefusal = () => {},
  ) {
    this.#hasher = hasher
    this.#options = options
    this.#onRefusal = onRefusal
    this.#queue = new FairPriorityQueue(options.maxWaiting)
  }

  /** The number of waiting requests. */
  get waiting(): number {
    return this.#queue.size
  }

  /**
   * Throws `overloaded` if a hash for this task would be refused now. Call it before any other
   * work.
   */
  checkRoom(task: PasswordTask): void {
    const refused = this.#running >= this.#options.parallel && !this.#queue.hasRoom(this.#requestOf(task, 1))
    if (refused) throw this.#refusal(task, 'full')
  }

  /** Resolves to the hash of a password. Throws `overloaded`. */
  hash(task: PasswordTask, password: string): Promise<string> {
    return this.#run(task, 1, () => this.#hasher.hash(password))
  }

  /** Compares a password with a hash, as `PasswordHasher.compare` does. Throws `overloaded`. */
  compare(task: PasswordTask, password: string, hashed: string | undefined): Promise<Comparison> {
    const cost = hashed !== undefined && this.#hasher.isOutdated(hashed) ? outdatedCost : 1
    return this.#run(task, cost, () => this.#hasher.compare(password, hashed))
  }

  /** Resolves to whether the password is the hashed one. Throws `overloaded`. */
  async verify(task: PasswordTask, password: string, hashed: string | undefined): Promise<boolean> {
    return (await this.compare(task, password, hashed)).matches
  }

  async #run<T>(task: PasswordTask, cost: number, work: () => Promise<T>): Promise<T> {
    if (connectionOf(task)?.aborted) throw this.#refusal(task, 'abandoned')
    if (this.#running < this.#options.parallel) this.#running += 1
    else await this.#wait(task, cost)
    try {
      return await work()
    } finally {
      // The next request takes the place, or the place becomes free.
      const next = this.#queue.take()
      if (next === undefined) this.#running -= 1
      else next.start()
    }
  }

  /**
   * Resolves once a place is free for the request; rejects if the request is refused or abandoned.
   */
  #wait(task: PasswordTask, cost: number): Promise<void> {
    const connection = connectionOf(task)
    return new Promise((resolve, reject) => {
      const request = this.#requestOf(task, cost)
      const stopWaiting = () => {
        connection?.removeEventListener('abort', abandon)
        if (request.priority) this.#countPriority(task, -1)
      }
      const waiter: Waiter = {
        start: () => {
          stopWaiting()
          resolve()
        },
        refuse: (reason) => {
          stopWaiting()
          reject(this.#refusal(task, reason))
        },
      }
      const added = this.#queue.add(request, waiter)
      if (added === undefined) return reject(this.#refusal(task, 'full'))
      const abandon = () => this.#abandon(added.waiting)
      connection?.addEventListener('abort', abandon)
      if (request.priority) this.#countPriority(task, 1)
      added.displaced?.refuse('displaced')
    })
  }

  #abandon(waiting: QueuedEntry<Waiter>): void {
    this.#queue.remove(waiting)
    waiting.entry.value.refuse('abandoned')
  }

  #requestOf(task: PasswordTask, cost: number): QueueRequest {
    const device = deviceOf(task)
    const priority = device !== undefined && (this.#priorityByDevice.get(device) ?? 0) < maxPriorityPerDevice
    return { path: priority ? priorityPathOf(task) : pathOf(task), priority, cost }
  }

  #countPriority(task: PasswordTask, change: 1 | -1): void {
    const device = deviceOf(task)
    if (device === undefined) return
    const count = (this.#priorityByDevice.get(device) ?? 0) + change
    if (count === 0) this.#priorityByDevice.delete(device)
    else this.#priorityByDevice.set(device, count)
  }

  #refusal({ use }: PasswordTask, reason: QueueRefusal): Problem {
    this.#onRefusal(use, reason)
    return accountFailures.refusal('overloaded', { retryAfterSec })
  }
}

function connectionOf(task: PasswordTask): AbortSignal | undefined {
  return task.use === 'operator' ? undefined : task.origin.connection
}

function deviceOf(task: PasswordTask): string | undefined {
  return task.use === 'login' ? task.device?.token : undefined
}

function pathOf(task: PasswordTask): readonly string[] {
  if (task.use === 'operator') return [task.use]
  const networks = [task.use, ...enclosingNetworks(task.origin.address)]
  return task.use === 'account' ? [...networks, task.account] : networks
}

/**
 * The network precedes the device here too, because one network may hold known devices of many
 * accounts that it has created itself.
 */
function priorityPathOf(task: PasswordTask): readonly string[] {
  const path = pathOf(task)
  return task.use === 'login' && task.device !== undefined ? [...path, task.device.account, task.device.token] : path
}
