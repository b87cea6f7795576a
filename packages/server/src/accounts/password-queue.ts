import { availableParallelism } from 'node:os'
import { enclosingNetworks } from '../ip-address.js'
import type { Problem } from '../problem.js'
import type { RequestOrigin } from '../request-origin.js'
import { accountFailures } from './failures.js'
import type { Comparison, PasswordHasher } from './password-hasher.js'
import { TurnQueue, type TurnRequest, type Waiting } from './turn-queue.js'

/** How many passwords Node's threads are given at once, and how many more may wait. */
export interface PasswordQueueOptions {
  readonly parallel: number
  readonly maxWaiting: number
}

/** A device that has signed in to an account before. */
export interface KnownDevice {
  readonly account: string
  /** The device token, found genuine and known to the account. */
  readonly token: string
}

/**
 * The purpose of a hash and the network that asks for it. Purposes take turns, and within each of
 * them networks do. `account`: the signed-in account, which takes turns with others of its network.
 */
export type PasswordTurn =
  | { readonly use: 'login'; readonly origin: RequestOrigin; readonly device: KnownDevice | undefined }
  | { readonly use: 'account'; readonly origin: RequestOrigin; readonly account: string }
  | { readonly use: 'registration' | 'link'; readonly origin: RequestOrigin }
  | { readonly use: 'operator' }

/** The purposes of hashes. */
export type PasswordUse = PasswordTurn['use']

/**
 * Reasons for a refusal. `full`: no room for the network of the request. `displaced`: made room for
 * a request of a network with fewer waiting. `abandoned`: the client closed the connection.
 */
export type QueueRefusal = 'full' | 'displaced' | 'abandoned'

/** Is called with each refusal. */
export type OnQueueRefusal = (use: PasswordUse, reason: QueueRefusal) => void

/** Threads that Node has for such work when the command has started it: see `bin/latchkey.js`. */
const threads = Math.min(availableParallelism(), 4)

/** One is worked on and one is at hand, so that a thread need not wait for the event loop between two. */
const givenToEach = 2

/** Passwords that may wait for each thread: about a second's work. */
const waitingForEach = 32

/** Seconds after which a queue that was full has been worked off. */
const retryAfterSec = 2

/** Turns of a hash that another system or another cost has made: it costs what its parameters say. */
const outdatedCost = 4

/** Requests with one device token that wait ahead of others; any more wait with their network. */
const maxAheadForDevice = 2

/** What keeps the threads busy, and about a second's work in waiting. */
export function defaultPasswordQueue(): PasswordQueueOptions {
  return { parallel: threads * givenToEach, maxWaiting: threads * waitingForEach }
}

/** A request that waits. */
interface Waiter {
  start(): void
  refuse(reason: QueueRefusal): void
}

/**
 * Hashes passwords, fairly between networks, and refuses at once (`overloaded`) what it has no time
 * for. Networks take turns (`enclosingNetworks`), so that none takes the place of another, however
 * many addresses it has; a full queue refuses the newest request of the largest network. Logins on
 * known devices go ahead. A request whose connection closes while it waits is dropped.
 */
export class PasswordQueue {
  readonly #hasher: PasswordHasher
  readonly #options: PasswordQueueOptions
  readonly #onRefusal: OnQueueRefusal
  readonly #queue: TurnQueue<Waiter>
  /** How many of each device wait ahead of others. */
  readonly #ahead = new Map<string, number>()
  #running = 0

  constructor(
    hasher: PasswordHasher,
    options: PasswordQueueOptions = defaultPasswordQueue(),
    onRefusal: OnQueueRefusal = () => {},
  ) {
    this.#hasher = hasher
    this.#options = options
    this.#onRefusal = onRefusal
    this.#queue = new TurnQueue(options.maxWaiting)
  }

  /** How many wait. */
  get waiting(): number {
    return this.#queue.size
  }

  /** Throws `overloaded` when a hash for this turn would be refused: for asking before anything else is done. */
  checkRoom(turn: PasswordTurn): void {
    const refused = this.#running >= this.#options.parallel && !this.#queue.hasRoom(this.#requestOf(turn, 1))
    if (refused) throw this.#refusal(turn, 'full')
  }

  /** Resolves to the hash of a password. Throws `overloaded`. */
  hash(turn: PasswordTurn, password: string): Promise<string> {
    return this.#run(turn, 1, () => this.#hasher.hash(password))
  }

  /** Compares a password with a hash, as `PasswordHasher.compare` does. Throws `overloaded`. */
  compare(turn: PasswordTurn, password: string, hashed: string | undefined): Promise<Comparison> {
    const cost = hashed !== undefined && this.#hasher.isOutdated(hashed) ? outdatedCost : 1
    return this.#run(turn, cost, () => this.#hasher.compare(password, hashed))
  }

  /** Resolves to whether the password is the hashed one. Throws `overloaded`. */
  async verify(turn: PasswordTurn, password: string, hashed: string | undefined): Promise<boolean> {
    return (await this.compare(turn, password, hashed)).matches
  }

  async #run<T>(turn: PasswordTurn, cost: number, work: () => Promise<T>): Promise<T> {
    if (connectionOf(turn)?.aborted) throw this.#refusal(turn, 'abandoned')
    if (this.#running < this.#options.parallel) this.#running += 1
    else await this.#wait(turn, cost)
    try {
      return await work()
    } finally {
      // The place goes to the next in turn, or becomes free.
      const next = this.#queue.take()
      if (next === undefined) this.#running -= 1
      else next.start()
    }
  }

  /** Resolves once a place was handed over; rejects when the request is refused or leaves. */
  #wait(turn: PasswordTurn, cost: number): Promise<void> {
    const connection = connectionOf(turn)
    return new Promise((resolve, reject) => {
      const request = this.#requestOf(turn, cost)
      const leave = () => {
        connection?.removeEventListener('abort', abandon)
        if (request.express) this.#countAhead(turn, -1)
      }
      const waiter: Waiter = {
        start: () => {
          leave()
          resolve()
        },
        refuse: (reason) => {
          leave()
          reject(this.#refusal(turn, reason))
        },
      }
      const added = this.#queue.add(request, waiter)
      if (added === undefined) return reject(this.#refusal(turn, 'full'))
      const abandon = () => this.#abandon(added.waiting)
      connection?.addEventListener('abort', abandon)
      if (request.express) this.#countAhead(turn, 1)
      added.displaced?.refuse('displaced')
    })
  }

  #abandon(waiting: Waiting<Waiter>): void {
    this.#queue.remove(waiting)
    waiting.entry.value.refuse('abandoned')
  }

  #requestOf(turn: PasswordTurn, cost: number): TurnRequest {
    const device = deviceOf(turn)
    const express = device !== undefined && (this.#ahead.get(device) ?? 0) < maxAheadForDevice
    return { path: express ? aheadPath(turn) : pathOf(turn), express, cost }
  }

  #countAhead(turn: PasswordTurn, change: 1 | -1): void {
    const device = deviceOf(turn)
    if (device === undefined) return
    const count = (this.#ahead.get(device) ?? 0) + change
    if (count === 0) this.#ahead.delete(device)
    else this.#ahead.set(device, count)
  }

  #refusal({ use }: PasswordTurn, reason: QueueRefusal): Problem {
    this.#onRefusal(use, reason)
    return accountFailures.refusal('overloaded', { retryAfterSec })
  }
}

function connectionOf(turn: PasswordTurn): AbortSignal | undefined {
  return turn.use === 'operator' ? undefined : turn.origin.connection
}

function deviceOf(turn: PasswordTurn): string | undefined {
  return turn.use === 'login' ? turn.device?.token : undefined
}

function pathOf(turn: PasswordTurn): readonly string[] {
  if (turn.use === 'operator') return [turn.use]
  const networks = [turn.use, ...enclosingNetworks(turn.origin.address)]
  return turn.use === 'account' ? [...networks, turn.account] : networks
}

/** Networks first here too: one network may hold known devices of many accounts that it has made itself. */
function aheadPath(turn: PasswordTurn): readonly string[] {
  const path = pathOf(turn)
  return turn.use === 'login' && turn.device !== undefined ? [...path, turn.device.account, turn.device.token] : path
}
