import { EventEmitter } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SqlClient } from 'latchkey/sql'
import type { Core } from '../core.js'
import type { Messages } from '../messages/messages.js'
import { composeEmail } from './compose-email.js'
import { type Email, type EmailDraft, type EmailKind, expiryOf, isRequest, type MailRequest } from './email.js'
import { recordLetter } from './letter-log.js'
import type { MailTransport } from './mail-transport.js'
import type { ClaimedEntry, Outbox } from './outbox.js'
import { isExhausted, retryDelayMs } from './retry-policy.js'
import { isRecipientRefused, reasonOf } from './smtp-failure.js'

/**
 * Drafts the e-mail for a request, in the caller's transaction; returns `undefined` if none is to
 * be sent.
 */
export type EmailDrafter = (client: SqlClient, request: MailRequest) => Promise<EmailDraft | undefined>

interface OutboxWorkerParts {
  readonly outbox: Outbox
  readonly transport: MailTransport
  readonly draft: EmailDrafter
  /** The base URL of the linked pages. */
  readonly linkBase: string
  readonly messages: Messages
}

/** The outcome of an attempt to send an e-mail, without its text and its recipient. */
export interface Delivery {
  readonly id: string
  readonly kind: EmailKind | 'unreadable'
  readonly attempts: number
  /** The name of the file, if the e-mail was written to one. */
  readonly file?: string
  /** The code of the failure, of the mail server or the system. */
  readonly reason?: string
}

/** An e-mail was `sent`, will be retried (`delayed`), or will not be retried (`failed`). */
interface OutboxEvents {
  sent: [Delivery]
  delayed: [Delivery]
  failed: [Delivery]
}

const batchSize = 10

/**
 * Time after which another process may claim the entry; longer than all timeouts of a transport
 * together.
 */
const leaseMs = 120_000

const closeTimeoutMs = 3000

/**
 * Sends the e-mails of the outbox, at least once: again if the outcome of an attempt is unknown.
 */
export class OutboxWorker extends EventEmitter<OutboxEvents> {
  readonly #core: Core
  readonly #parts: OutboxWorkerParts
  #pass: Promise<void> | undefined
  #closing = false

  constructor(core: Core, parts: OutboxWorkerParts) {
    super()
    this.#core = core
    this.#parts = parts
  }

  /**
   * Sends the due e-mails; concurrent calls share one pass. Rejects if the database fails, but not
   * if a mail server fails.
   */
  deliver(): Promise<void> {
    this.#pass ??= this.#deliverAll().finally(() => {
      this.#pass = undefined
    })
    return this.#pass
  }

  /**
   * Waits a few seconds for e-mails that are being sent. The others are sent after the next start.
   */
  async close(): Promise<void> {
    this.#closing = true
    await Promise.race([this.#pass?.catch(() => {}), sleep(closeTimeoutMs, undefined, { ref: false })])
    this.#parts.transport.close()
  }

  async #deliverAll(): Promise<void> {
    while (!this.#closing) {
      const batch = await this.#parts.outbox.claim({ limit: batchSize, leaseMs })
      const emails = await this.#readAll(batch)
      const sent = await Promise.all(emails.map(([entry, email]) => this.#trySend(entry, email)))
      // After a failure the next batch waits for the next pass.
      if (batch.length === 0 || sent.includes(false)) return
    }
  }

  /**
   * Handles the entries in order, oldest first, so that of two links with the same purpose, the
   * later one is valid.
   */
  async #readAll(batch: readonly ClaimedEntry[]): Promise<[ClaimedEntry, Email][]> {
    const emails: [ClaimedEntry, Email][] = []
    for (const entry of batch) {
      const email = await this.#read(entry)
      if (email !== undefined) emails.push([entry, email])
    }
    return emails
  }

  async #read(entry: ClaimedEntry): Promise<Email | undefined> {
    try {
      const { counted, content } = entry.open()
      return counted ? content : await this.#admit(entry, content)
    } catch (error) {
      await this.#recordFailure(entry, undefined, error)
      return undefined
    }
  }

  async #trySend(entry: ClaimedEntry, email: Email): Promise<boolean> {
    try {
      await this.#send(entry, email)
      return true
    } catch (error) {
      await this.#recordFailure(entry, email, error)
      return isPermanent(error)
    }
  }

  /** Drafts and counts the e-mail of an entry. One transaction for each mailbox. */
  #admit(entry: ClaimedEntry, content: Email | MailRequest): Promise<Email | undefined> {
    const { outbox, draft } = this.#parts
    return this.#core.store.transaction(async (client) => {
      const drafted = isRequest(content) ? await draft(client, content) : draftOf(content)
      if (drafted !== undefined) return outbox.admit(client, entry, drafted)
      await outbox.remove(client, entry)
      return undefined
    })
  }

  async #send(entry: ClaimedEntry, email: Email): Promise<void> {
    const { store, clock } = this.#core
    const { outbox, transport, linkBase, messages } = this.#parts
    if ((expiryOf(email) ?? Number.POSITIVE_INFINITY) <= clock.now()) throw new ExpiredLink()
    const { id } = entry
    const { to, kind } = email
    const language = await messages.for(messages.negotiate({ account: email.locale }))
    const { file } = await transport.send({ id, kind, to, ...composeEmail(email, linkBase, language) })
    await outbox.remove(store, entry)
    // The letter has left: a record that fails must not send it again.
    await recordLetter(store, { id, kind, account: email.account, at: clock.now(), outcome: 'sent' }).catch(() => {})
    this.emit('sent', deliveryOf(entry, email, file === undefined ? {} : { file }))
  }

  async #recordFailure(entry: ClaimedEntry, email: Email | undefined, error: unknown): Promise<void> {
    const delivery = deliveryOf(entry, email, { reason: reasonOf(error) })
    const expiresAt = email && expiryOf(email)
    const remainingMs = expiresAt === undefined ? undefined : expiresAt - this.#core.clock.now()
    if (isPermanent(error) || isExhausted(entry.attempts, remainingMs)) {
      if (await this.#giveUp(entry, email)) this.emit('failed', delivery)
      return
    }
    await this.#parts.outbox.postpone(entry, retryDelayMs(entry.attempts, remainingMs), reasonOf(error))
    this.emit('delayed', delivery)
  }

  /** Returns `false` if another process has deleted the entry. */
  #giveUp(entry: ClaimedEntry, email: Email | undefined): Promise<boolean> {
    const { store, audit, clock } = this.#core
    return store.transaction(async (client) => {
      if (!(await this.#parts.outbox.remove(client, entry))) return false
      const account = email?.account ?? null
      const kind = email?.kind ?? 'unreadable'
      await recordLetter(client, { id: entry.id, kind, account, at: clock.now(), outcome: 'failed' })
      await audit.refused(client, 'mail_failed', { accountId: null, address: null }, { account })
      return true
    })
  }
}

/** The link or the code of the e-mail has expired, so that sending it is useless. */
class ExpiredLink extends Error {
  readonly code = 'link_expired'
}

/** Returns whether the next attempt would fail as well. */
function isPermanent(error: unknown): boolean {
  return error instanceof ExpiredLink || isRecipientRefused(error)
}

function draftOf(email: Email): EmailDraft {
  const { kind, to, account, locale } = email
  return { kind, to, account, locale, write: async () => email }
}

function deliveryOf(
  { id, attempts }: ClaimedEntry,
  email: Email | undefined,
  more: Pick<Delivery, 'file' | 'reason'>,
): Delivery {
  return { id, kind: email?.kind ?? 'unreadable', attempts, ...more }
}
