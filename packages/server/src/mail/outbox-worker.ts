import { EventEmitter } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from 'latchkey'
import type { SqlClient, SqlStore } from 'latchkey/sql'
import type { AuditTrail } from '../audit/audit-trail.js'
import { composeLetter } from './compose-letter.js'
import { isRequest, type Letter, type LetterDraft, type LetterKind, type MailRequest } from './letter.js'
import type { MailTransport } from './mail-transport.js'
import type { ClaimedEntry, Outbox } from './outbox.js'
import { isTriedEnough, retryDelayMs } from './retry-policy.js'
import { isRecipientRefused, reasonOf } from './smtp-failure.js'

/** What `OutboxWorker` works with. */
export interface OutboxWorkerOptions {
  readonly store: SqlStore
  readonly outbox: Outbox
  readonly transport: MailTransport
  /** Decides which letter a request becomes, in the transaction in which it takes its place; `undefined` when none does. */
  readonly answer: (client: SqlClient, request: MailRequest) => Promise<LetterDraft | undefined>
  /** The URL under which the linked pages are. */
  readonly linkBase: string
  readonly audit: AuditTrail
  readonly clock: Clock
}

/** A letter that was or was not sent. Nothing of it tells what it says, or to whom. */
export interface Delivery {
  readonly id: string
  readonly kind: LetterKind | 'unreadable'
  readonly attempts: number
  /** The file that it was put into instead. */
  readonly file?: string
  /** What the mail server or the system called the failure. */
  readonly reason?: string
}

/** What is told: a letter `sent`, one that is tried again (`delayed`), one that was given up (`failed`). */
interface CourierEvents {
  sent: [Delivery]
  delayed: [Delivery]
  failed: [Delivery]
}

const batchSize = 10

/** How long sending may take before another process takes the letter for lost; longer than all time-outs of a transport together. */
const leaseMs = 120_000

const closePatienceMs = 3000

/** Carries what lies in the outbox: once in the normal case, and once more where it cannot be known whether it arrived. */
export class OutboxWorker extends EventEmitter<CourierEvents> {
  readonly #options: OutboxWorkerOptions
  #pass: Promise<void> | undefined
  #closing = false

  constructor(options: OutboxWorkerOptions) {
    super()
    this.#options = options
  }

  /** Sends what is due; a call while another is at it waits for that one. Fails when the database does, never because a mail server is away. */
  deliver(): Promise<void> {
    this.#pass ??= this.#deliverAll().finally(() => {
      this.#pass = undefined
    })
    return this.#pass
  }

  /** Ends after the letters that are being sent, but waits no longer than a few seconds: what a mail server does not take until then is sent again later. */
  async close(): Promise<void> {
    this.#closing = true
    await Promise.race([this.#pass?.catch(() => {}), sleep(closePatienceMs, undefined, { ref: false })])
    this.#options.transport.close()
  }

  async #deliverAll(): Promise<void> {
    while (!this.#closing) {
      const batch = await this.#options.outbox.claim({ limit: batchSize, leaseMs })
      const letters = await this.#readAll(batch)
      const sent = await Promise.all(letters.map(([entry, letter]) => this.#trySend(entry, letter)))
      // When nothing of a batch went through, the next one can wait until the mail server had a pause.
      if (batch.length === 0 || sent.includes(false)) return
    }
  }

  /** One after the other, oldest first: of two links that somebody has asked for, the one that holds is that of the later letter. */
  async #readAll(batch: readonly ClaimedEntry[]): Promise<[ClaimedEntry, Letter][]> {
    const letters: [ClaimedEntry, Letter][] = []
    for (const entry of batch) {
      const letter = await this.#read(entry)
      if (letter !== undefined) letters.push([entry, letter])
    }
    return letters
  }

  async #read(entry: ClaimedEntry): Promise<Letter | undefined> {
    try {
      const { counted, content } = entry.open()
      return counted ? content : await this.#admit(entry, content)
    } catch (error) {
      await this.#noteFailure(entry, undefined, error)
      return undefined
    }
  }

  async #trySend(entry: ClaimedEntry, letter: Letter): Promise<boolean> {
    try {
      await this.#send(entry, letter)
      return true
    } catch (error) {
      await this.#noteFailure(entry, letter, error)
      return isHopeless(error)
    }
  }

  /** The letter that the entry becomes, if the quota of its mailbox allows it. One mailbox to a transaction. */
  #admit(entry: ClaimedEntry, content: Letter | MailRequest): Promise<Letter | undefined> {
    const { store, outbox, answer } = this.#options
    return store.transaction(async (client) => {
      const draft = isRequest(content) ? await answer(client, content) : draftOf(content)
      if (draft !== undefined) return outbox.admit(client, entry, draft)
      await outbox.remove(client, entry)
      return undefined
    })
  }

  async #send(entry: ClaimedEntry, letter: Letter): Promise<void> {
    const { store, outbox, transport, linkBase, clock } = this.#options
    if ('link' in letter && letter.link.expiresAt <= clock.now()) throw new ExpiredLink()
    const { id } = entry
    const { to, kind } = letter
    const { file } = await transport.send({ id, kind, to, ...composeLetter(letter, linkBase) })
    await outbox.remove(store, entry)
    this.emit('sent', deliveryOf(entry, letter, file === undefined ? {} : { file }))
  }

  async #noteFailure(entry: ClaimedEntry, letter: Letter | undefined, error: unknown): Promise<void> {
    const delivery = deliveryOf(entry, letter, { reason: reasonOf(error) })
    const remainingMs = letter && 'link' in letter ? letter.link.expiresAt - this.#options.clock.now() : undefined
    if (isHopeless(error) || isTriedEnough(entry.attempts, remainingMs)) {
      if (await this.#giveUp(entry, letter)) this.emit('failed', delivery)
      return
    }
    await this.#options.outbox.postpone(entry, retryDelayMs(entry.attempts, remainingMs))
    this.emit('delayed', delivery)
  }

  /** `false` if another process was faster. */
  #giveUp(entry: ClaimedEntry, letter: Letter | undefined): Promise<boolean> {
    const { store, outbox, audit } = this.#options
    return store.transaction(async (client) => {
      if (!(await outbox.remove(client, entry))) return false
      const account = letter?.account ?? null
      await audit.append(client, { event: 'mail_failed', outcome: 'refused', actor: null, account, address: null })
      return true
    })
  }
}

/** What the link leads to is over: nobody is served by a letter that comes too late. */
class ExpiredLink extends Error {
  readonly code = 'link_expired'
}

/** Whether the next attempt would fail as well. */
function isHopeless(error: unknown): boolean {
  return error instanceof ExpiredLink || isRecipientRefused(error)
}

function draftOf(letter: Letter): LetterDraft {
  const { kind, to, account } = letter
  return { kind, to, account, write: async () => letter }
}

function deliveryOf(
  { id, attempts }: ClaimedEntry,
  letter: Letter | undefined,
  more: Pick<Delivery, 'file' | 'reason'>,
): Delivery {
  return { id, kind: letter?.kind ?? 'unreadable', attempts, ...more }
}
