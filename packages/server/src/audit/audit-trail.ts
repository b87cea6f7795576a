import type { Clock, StoredKey, TenantSecrets } from 'latchkey'
import type { SqlClient, SqlStore } from 'latchkey/sql'
import type { ConditionalChange } from '../change-together.js'
import { uuidV7 } from '../uuid.js'
import { type AuditDetail, encodeDetail } from './audit-detail.js'
import type { AuditMac } from './audit-mac.js'
import type { AuditEntry, AuditEvent, AuditRecord } from './audit-record.js'
import { AuditTally } from './audit-tally.js'

/** The parts of the core that the audit log uses. */
export interface AuditCore {
  readonly store: SqlStore
  readonly keys: Pick<TenantSecrets, 'ensureKeys'>
  readonly clock: Clock
}

/** The author of an event, and the address of the request. */
export interface AuditActor {
  /** An account or a client; `cli` for the operator at the command line; `null` if unknown. */
  readonly accountId: string | null
  readonly sessionId?: string | undefined
  /**
   * The administrator who acts in the session of the account. The entry has it as `impersonated_by`
   * in its detail.
   */
  readonly impersonatorId?: string | undefined
  /** The address of the client; `null` at the command line. */
  readonly address: string | null
}

/** The subject of an event, where it differs from the actor, and its details. */
export interface AuditSubject {
  /** The account or client that the event concerns. @defaultValue the actor's account */
  readonly account?: string | null
  /** The session that the event concerns. @defaultValue the actor's session */
  readonly session?: string | undefined
  readonly detail?: AuditDetail | undefined
}

/** Counted entries that are written in one transaction. */
const batchSize = 250

/**
 * The audit log. Entries are only ever added; `AuditChain` links them into its chain a moment
 * later.
 *
 * `done` and `refused` write in the caller's transaction, so that the change and its entry commit
 * together. `countDone` and `countRefused` are for events that a client can repeat at any rate: the
 * first one of its kind, account, session and network is written at once, the repetitions of the
 * next ten minutes as one entry with their number. Their details must have few possible values.
 */
export class AuditTrail {
  readonly #core: AuditCore
  readonly #mac: StoredKey<AuditMac>
  readonly #tally = new AuditTally()
  /** Taken from the tally, and not written yet. */
  #due: AuditEntry[] = []
  #flushing: Promise<void> = Promise.resolve()

  constructor(core: AuditCore, mac: StoredKey<AuditMac>) {
    this.#core = core
    this.#mac = mac
  }

  /** Records an event that took place, in the caller's transaction. */
  done(client: SqlClient, event: AuditEvent, actor: AuditActor, subject: AuditSubject = {}): Promise<void> {
    return this.#append(client, entryOf('done', event, actor, subject))
  }

  /** Records an event that was refused or has failed, in the caller's transaction. */
  refused(client: SqlClient, event: AuditEvent, actor: AuditActor, subject: AuditSubject = {}): Promise<void> {
    return this.#append(client, entryOf('refused', event, actor, subject))
  }

  /** Counts an event that took place. Never rejects: an entry that cannot be written is counted. */
  countDone(event: AuditEvent, actor: AuditActor, subject: AuditSubject = {}): Promise<void> {
    return this.#count(entryOf('done', event, actor, subject))
  }

  /** Counts a refusal. Never rejects: an entry that cannot be written is counted. */
  countRefused(event: AuditEvent, actor: AuditActor, subject: AuditSubject = {}): Promise<void> {
    return this.#count(entryOf('refused', event, actor, subject))
  }

  /** Returns the change that `done` makes. */
  changeOnDone(event: AuditEvent, actor: AuditActor, subject: AuditSubject = {}): Promise<ConditionalChange> {
    return this.#insertionOf(entryOf('done', event, actor, subject))
  }

  async #append(client: SqlClient, entry: AuditEntry): Promise<void> {
    const { text, values } = await this.#insertionOf(entry)
    await client.query(text('true'), values)
  }

  async #insertionOf(entry: AuditEntry): Promise<ConditionalChange> {
    const { keys, clock } = this.#core
    await keys.ensureKeys()
    const at = clock.now()
    const { session = null, detail } = entry
    const record: AuditRecord = { ...entry, id: uuidV7(at), at, session, detail: encodeDetail(detail) }
    return {
      text: (condition) =>
        `insert into server_audit (id, at, event, outcome, actor, account_id, session_id, address, detail, tag)
         select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10 where ${condition}`,
      values: [
        record.id,
        at,
        record.event,
        record.outcome,
        record.actor,
        record.account,
        record.session,
        record.address,
        record.detail,
        this.#mac.current.tagOf(record),
      ],
    }
  }

  async #count(entry: AuditEntry): Promise<void> {
    if (!this.#tally.isFirst(entry, this.#moment())) return
    try {
      await this.#append(this.#core.store, entry)
    } catch {
      // The next flush writes it; if that fails as well, the operator sees the failed job.
      this.#tally.count(entry, this.#moment())
    }
  }

  /**
   * Writes the counts of the windows that have ended; with `all`, those of the open windows as
   * well.
   */
  flush(which: 'ended' | 'all' = 'ended'): Promise<void> {
    const flushed = this.#flushing.then(() => this.#flush(which))
    // A flush that failed must not block the next one.
    this.#flushing = flushed.catch(() => {})
    return flushed
  }

  async #flush(which: 'ended' | 'all'): Promise<void> {
    await this.#writeDue()
    this.#due = this.#tally.take(which, this.#moment())
    await this.#writeDue()
  }

  async #writeDue(): Promise<void> {
    while (this.#due.length > 0) {
      const batch = this.#due.slice(0, batchSize)
      await this.#core.store.transaction(async (client) => {
        for (const entry of batch) await this.#append(client, entry)
      })
      this.#due = this.#due.slice(batch.length)
    }
  }

  #moment() {
    const { clock } = this.#core
    return { now: clock.now(), monotonic: clock.monotonic() }
  }
}

function entryOf(
  outcome: AuditEntry['outcome'],
  event: AuditEvent,
  { accountId: actor, sessionId, impersonatorId, address }: AuditActor,
  { account = actor, session = sessionId, detail }: AuditSubject,
): AuditEntry {
  const whole = impersonatorId === undefined ? detail : { ...detail, impersonated_by: impersonatorId }
  return { event, outcome, actor, account, session, address, detail: whole }
}
