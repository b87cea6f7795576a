import { setImmediate as nextTurn } from 'node:timers/promises'
import type { StoredKey } from 'latchkey'
import type { SqlStore } from 'latchkey/sql'
import { type AuditMac, beginning, type EntryFault, type MarkName } from './audit-mac.js'
import { readMark, type StoredMark } from './audit-marks.js'
import { type ChainPoint, type SealedRecord, type TaggedRecord, taggedColumns } from './audit-record.js'
import { type ChainMacs, readChainMacs } from './audit-segments.js'

/** Faults of the log. A name is never changed, and a retired one never reused. */
export type AuditFault =
  | EntryFault
  | 'tail_missing'
  | 'head_missing'
  | 'head_changed'
  | 'anchor_changed'
  | 'head_unexpected'
  | 'segment_changed'

/** One fault and its place. */
export interface AuditFinding {
  readonly fault: AuditFault
  /** The place in the chain; `undefined` for an entry without one. */
  readonly seq: number | undefined
  /** The ID of the entry, if the fault concerns one. */
  readonly id?: string
}

/** The result of a verification of the whole log. */
export interface AuditVerdict {
  /** Entries in the chain. */
  readonly entries: number
  /** New entries that are not linked yet. */
  readonly unsealed: number
  /** The place where the chain was cut by retention. */
  readonly anchor: ChainPoint
  /** The newest place. Store it elsewhere, and pass it to the next verification. */
  readonly head: ChainPoint
  /** At most 100 findings; empty for an unchanged log. */
  readonly findings: readonly AuditFinding[]
}

/** Options of `verifyAudit`. */
export interface VerifyAuditOptions {
  readonly store: SqlStore
  readonly mac: StoredKey<AuditMac>
  /**
   * A head that was stored elsewhere. The chain must contain it, so that a rolled-back log is
   * detected.
   */
  readonly expected?: ChainPoint | undefined
}

/** The result of a verification of one part of the log. */
export interface AuditPartVerdict {
  /** The entries of the part. */
  readonly checked: number
  /** The last place of the part; the next one continues after it. */
  readonly last: ChainPoint
  /** The newest place of the chain, which shows how much is left. */
  readonly head: ChainPoint
  /** Whether this was the last part: both ends, and the entries without a place, are checked too. */
  readonly isDone: boolean
  /** At most 100 findings. */
  readonly findings: readonly AuditFinding[]
}

const pageSize = 1000
const maxFindings = 100

/** Attempts while retention deletes entries during the read. */
const maxAttempts = 5

/**
 * Reads the whole log and checks every entry, its place, and both ends. Changes nothing; a server
 * may be running.
 */
export async function verifyAudit(options: VerifyAuditOptions): Promise<AuditVerdict> {
  for (let attempt = 1; ; attempt += 1) {
    const before = await readMark(options.store, 'anchor')
    const macs = await readChainMacs(options.store, options.mac)
    const verdict = await new Verification(options, macs, before).run()
    const after = await readMark(options.store, 'anchor')
    if (before?.seq === after?.seq || attempt === maxAttempts) return verdict
  }
}

/**
 * Checks the log part by part, so that one call takes a bounded time. The caller passes the `last`
 * place of one part on to the next; the first part begins without one. Changes nothing.
 */
export async function verifyAuditPart(
  options: Omit<VerifyAuditOptions, 'expected'>,
  { after, maxEntries }: { readonly after: ChainPoint | undefined; readonly maxEntries: number },
): Promise<AuditPartVerdict> {
  for (let attempt = 1; ; attempt += 1) {
    const before = await readMark(options.store, 'anchor')
    const macs = await readChainMacs(options.store, options.mac)
    const verdict = await new Verification(options, macs, before).runPart(after, maxEntries)
    const current = await readMark(options.store, 'anchor')
    if (before?.seq === current?.seq || attempt === maxAttempts) return verdict
  }
}

class Verification {
  readonly #options: VerifyAuditOptions
  readonly #macs: ChainMacs
  readonly #anchor: StoredMark | undefined
  readonly #findings: AuditFinding[] = []
  #last: ChainPoint
  #entries = 0
  #expectedSeen: boolean

  constructor(options: VerifyAuditOptions, macs: ChainMacs, anchor: StoredMark | undefined) {
    this.#options = options
    this.#macs = macs
    this.#anchor = anchor
    this.#last = pointOf(anchor)
    const { expected } = options
    // Entries that retention has deleted were in order at that time.
    this.#expectedSeen = expected === undefined || expected.seq < this.#last.seq || isSame(this.#last, expected)
  }

  async run(): Promise<AuditVerdict> {
    await this.#checkBeginning()
    await this.#readChain()
    const head = await this.#readHead()
    const unsealed = await this.#readUnsealed()
    if (!this.#expectedSeen) this.#found({ fault: 'head_unexpected', seq: this.#options.expected?.seq })
    return { entries: this.#entries, unsealed, anchor: pointOf(this.#anchor), head, findings: this.#findings }
  }

  async runPart(after: ChainPoint | undefined, maxEntries: number): Promise<AuditPartVerdict> {
    // Retention may have deleted the entries after that place meanwhile.
    if (after !== undefined && after.seq > this.#last.seq) this.#last = after
    else await this.#checkBeginning()
    const isDone = await this.#readChain(maxEntries)
    if (isDone) {
      const head = await this.#readHead()
      await this.#readUnsealed()
      return { checked: this.#entries, last: head, head, isDone, findings: this.#findings }
    }
    const head = pointOf(await readMark(this.#options.store, 'head'))
    return { checked: this.#entries, last: this.#last, head, isDone, findings: this.#findings }
  }

  async #checkBeginning(): Promise<void> {
    for (const seq of this.#macs.broken) this.#found({ fault: 'segment_changed', seq })
    this.#checkMark('anchor', this.#anchor)
    await this.#readCutOff()
  }

  /** Reports entries before the place where the chain was cut. */
  async #readCutOff(): Promise<void> {
    const { rows } = await this.#options.store.query<{ id: string; seq: number }>(
      'select id, seq from server_audit where seq <= $1 order by seq limit $2',
      [this.#last.seq, maxFindings],
    )
    for (const { id, seq } of rows) this.#found({ fault: 'order_changed', seq, id })
  }

  /** Returns `false` if it stops before the end, after at least `maxEntries` entries. */
  async #readChain(maxEntries = Number.POSITIVE_INFINITY): Promise<boolean> {
    let rows: SealedRecord[]
    do {
      if (this.#entries >= maxEntries) return false
      const found = await this.#options.store.query<SealedRecord>(
        `select ${taggedColumns}, seq, link from server_audit where seq > $1 order by seq limit $2`,
        [this.#last.seq, pageSize],
      )
      rows = found.rows
      for (const row of rows) this.#checkEntry(row)
      // Other work of the process runs between two pages.
      await nextTurn()
    } while (rows.length === pageSize)
    return true
  }

  #checkEntry(record: SealedRecord): void {
    const { seq, link, id } = record
    const fault = this.#macs.faultOf(this.#last, record)
    if (fault !== undefined) this.#found({ fault, seq, id })
    // Continues from the stored place, so that one fault causes one finding.
    this.#last = { seq, link }
    this.#entries += 1
    if (this.#options.expected !== undefined && isSame(this.#last, this.#options.expected)) this.#expectedSeen = true
  }

  /** Reads the head after the entries: it may be ahead by entries that were linked meanwhile. */
  async #readHead(): Promise<ChainPoint> {
    const head = await readMark(this.#options.store, 'head')
    this.#checkMark('head', head)
    if (head === undefined && this.#last.seq > 0) this.#found({ fault: 'head_missing', seq: this.#last.seq })
    const point = pointOf(head)
    if (point.seq > this.#last.seq) await this.#readChain()
    if (point.seq > this.#last.seq) this.#found({ fault: 'tail_missing', seq: this.#last.seq + 1 })
    if (head !== undefined && point.seq < this.#last.seq) await this.#checkAhead(point)
    return this.#last
  }

  /** Entries after the head are genuine only if the head has advanced as well. */
  async #checkAhead(point: ChainPoint): Promise<void> {
    const head = pointOf(await readMark(this.#options.store, 'head'))
    if (head.seq < this.#last.seq) this.#found({ fault: 'head_changed', seq: point.seq })
  }

  async #readUnsealed(): Promise<number> {
    let unsealed = 0
    let rows: TaggedRecord[]
    let last = ''
    do {
      const found = await this.#options.store.query<TaggedRecord>(
        `select ${taggedColumns} from server_audit where seq is null and id > $1 order by id limit $2`,
        [last, pageSize],
      )
      rows = found.rows
      for (const row of rows) {
        if (!this.#macs.open.some((mac) => mac.isGenuine(row)))
          this.#found({ fault: 'entry_changed', seq: undefined, id: row.id })
      }
      unsealed += rows.length
      last = rows.at(-1)?.id ?? last
    } while (rows.length === pageSize)
    return unsealed
  }

  #checkMark(name: MarkName, mark: StoredMark | undefined): void {
    if (mark === undefined || this.#macs.open.some((mac) => mac.isGenuineMark(name, mark))) return
    this.#found({ fault: name === 'head' ? 'head_changed' : 'anchor_changed', seq: mark.seq })
  }

  #found(finding: AuditFinding): void {
    if (this.#findings.length < maxFindings) this.#findings.push(finding)
  }
}

function pointOf(mark: StoredMark | undefined): ChainPoint {
  return mark === undefined ? beginning : { seq: mark.seq, link: mark.link }
}

function isSame(a: ChainPoint, b: ChainPoint): boolean {
  return a.seq === b.seq && a.link === b.link
}
