import type { Clock, StoredKey } from 'latchkey'
import type { SqlClient, SqlStore } from 'latchkey/sql'
import { type AuditMac, beginning, type MarkName } from './audit-mac.js'
import { readMark, type StoredMark } from './audit-marks.js'
import { type ChainPoint, type SealedRecord, taggedColumns } from './audit-record.js'
import { addSegment, isClosedUnder, openMacs, pruneSegments, readChainMacs } from './audit-segments.js'
import { type AuditVerdict, verifyAudit } from './verify-audit.js'

/** What `AuditChain` works with. */
export interface AuditChainOptions {
  readonly store: SqlStore
  readonly mac: StoredKey<AuditMac>
  /** Resolves once the key is known as it is now. */
  readonly ensureKeys: () => Promise<void> | undefined
  readonly clock: Clock
}

/** The chain of the log is not as it was left; `latchkey audit verify` says where. */
export class AuditChainBroken extends Error {
  override readonly name = 'AuditChainBroken'
  readonly code = 'audit_chain_broken'

  constructor() {
    super('The audit log is not as it was left; "latchkey audit verify" says where.')
  }
}

/** Entries that get their places, or are deleted, in one transaction. */
const batchSize = 250

/**
 * Gives the entries of the log their places in one chain, and cuts its old end off.
 *
 * What happens writes its entry without a place, so that nobody waits for anybody else. A moment later one process takes the head of the chain, which is a
 * row and so a lock, and links all that has come meanwhile: a few statements for hundreds of entries. Until then an entry is protected by its tag alone.
 */
export class AuditChain {
  readonly #options: AuditChainOptions
  #sealing: Promise<void> | undefined

  constructor(options: AuditChainOptions) {
    this.#options = options
  }

  /** Links every entry that has no place yet. Fails with `AuditChainBroken` when the head of the chain is not the one that was left. */
  seal(): Promise<void> {
    this.#sealing ??= this.#sealAll().finally(() => {
      this.#sealing = undefined
    })
    return this.#sealing
  }

  /**
   * Deletes the oldest entries as far as they are older than `beforeMs` (milliseconds since 1970), and keeps the place where the chain was cut. Fails with
   * `AuditChainBroken` before it deletes a part that is not in order: that is evidence.
   */
  async prune(beforeMs: number): Promise<void> {
    await this.#options.ensureKeys()
    while ((await this.#pruneBatch(beforeMs)) === batchSize);
  }

  /**
   * Reads the whole log and checks every entry, its place, and both ends. Changes nothing. `expected` is a head that was noted down elsewhere: it must be in
   * the chain, so that not even the whole log can be set back behind it.
   */
  async verify(expected?: ChainPoint): Promise<AuditVerdict> {
    await this.#options.ensureKeys()
    return verifyAudit({ ...this.#options, expected })
  }

  /**
   * Closes the part of the chain that was made with the key that is being replaced: entries before the newest place are anchored under the new key, and
   * from there on the old one proves nothing. To be called once no process uses the old one; again is harmless. Fails with `AuditChainBroken`.
   */
  async closeSegment(): Promise<void> {
    const { store, mac, clock, ensureKeys } = this.#options
    await ensureKeys()
    const { current, replaced, isReplacing } = mac
    if (!isReplacing || replaced === undefined) return
    await store.transaction(async (client) => {
      let head = await this.#lockHead(client)
      if (await isClosedUnder(client, current)) return
      for (let last = head; ; head = last) {
        last = await this.#linkBatch(client, head)
        if (last === head) break
      }
      const anchor = await readMark(client, 'anchor')
      if (anchor !== undefined) await this.#mark(client, 'anchor', await this.#anchor(client))
      await this.#mark(client, 'head', head)
      await addSegment(client, head, { current, replaced, nowMs: clock.now() })
    })
  }

  async #sealAll(): Promise<void> {
    await this.#options.ensureKeys()
    while (await hasUnsealed(this.#options.store)) {
      if ((await this.#sealBatch()) < batchSize) return
    }
  }

  #sealBatch(): Promise<number> {
    return this.#options.store.transaction(async (client) => {
      const head = await this.#lockHead(client)
      const last = await this.#linkBatch(client, head)
      return last.seq - head.seq
    })
  }

  /** Links up to a batch of entries behind the head, which is locked; returns the new head, the same object when there was nothing to link. */
  async #linkBatch(client: SqlClient, head: ChainPoint): Promise<ChainPoint> {
    const { rows } = await client.query<{ id: string; tag: string }>(
      'select id, tag from server_audit where seq is null order by id limit $1',
      [batchSize],
    )
    if (rows.length === 0) return head
    let last = head
    const sealed = rows.map(({ id, tag }) => {
      last = this.#options.mac.current.next(last, tag)
      return { id, ...last }
    })
    await placeEntries(client, sealed)
    await this.#mark(client, 'head', last)
    return last
  }

  #pruneBatch(beforeMs: number): Promise<number> {
    return this.#options.store.transaction(async (client) => {
      // Whoever holds the head may change the chain.
      await this.#lockHead(client)
      const { rows } = await client.query<SealedRecord>(
        `select ${taggedColumns}, seq, link from server_audit where seq is not null order by seq limit $1`,
        [batchSize],
      )
      const kept = rows.findIndex(({ at }) => !(at < beforeMs))
      const old = kept < 0 ? rows : rows.slice(0, kept)
      const last = old.at(-1)
      if (last === undefined) return 0
      await this.#checkOrder(client, old)
      await client.query('delete from server_audit where seq <= $1', [last.seq])
      await this.#mark(client, 'anchor', last)
      await pruneSegments(client, last)
      return old.length
    })
  }

  async #checkOrder(client: SqlClient, entries: readonly SealedRecord[]): Promise<void> {
    const macs = await readChainMacs(client, this.#options.mac)
    let previous = await this.#anchor(client)
    for (const entry of entries) {
      if (macs.faultOf(previous, entry) !== undefined) throw new AuditChainBroken()
      previous = entry
    }
  }

  async #anchor(client: SqlClient): Promise<ChainPoint> {
    const anchor = await readMark(client, 'anchor')
    if (anchor === undefined) return beginning
    if (!this.#isGenuineMark('anchor', anchor)) throw new AuditChainBroken()
    return anchor
  }

  /** The newest place, locked until the transaction ends. */
  async #lockHead(client: SqlClient): Promise<ChainPoint> {
    const { mac } = this.#options
    const { rows } = await client.query<StoredMark>(
      `insert into server_audit_marks (name, seq, link, tag) values ('head', 0, '', $1)
       on conflict (name) do update set seq = server_audit_marks.seq returning seq, link, tag`,
      [mac.current.markOf('head', beginning)],
    )
    const [head] = rows
    const genuine =
      head !== undefined && this.#isGenuineMark('head', head) && (head.seq > 0 || (await isUnbegun(client)))
    if (!genuine) throw new AuditChainBroken()
    return head
  }

  #isGenuineMark(name: MarkName, mark: StoredMark): boolean {
    return openMacs(this.#options.mac).some((mac) => mac.isGenuineMark(name, mark))
  }

  async #mark(client: SqlClient, name: MarkName, { seq, link }: ChainPoint): Promise<void> {
    await client.query(
      `insert into server_audit_marks (name, seq, link, tag) values ($1, $2, $3, $4)
       on conflict (name) do update set seq = excluded.seq, link = excluded.link, tag = excluded.tag`,
      [name, seq, link, this.#options.mac.current.markOf(name, { seq, link })],
    )
  }
}

async function hasUnsealed(client: SqlClient): Promise<boolean> {
  const { rows } = await client.query('select id from server_audit where seq is null limit 1')
  return rows.length > 0
}

/** Whether nothing was ever linked: only then the chain may begin. */
async function isUnbegun(client: SqlClient): Promise<boolean> {
  const { rows } = await client.query('select seq from server_audit where seq is not null limit 1')
  return rows.length === 0 && (await readMark(client, 'anchor')) === undefined
}

async function placeEntries(
  client: SqlClient,
  entries: readonly ({ readonly id: string } & ChainPoint)[],
): Promise<void> {
  const values: unknown[] = []
  const places = entries.map(({ id, seq, link }) => {
    const n = values.push(id, seq, link)
    return `($${n - 2}, cast($${n - 1} as bigint), $${n})`
  })
  await client.query(
    `with places (id, seq, link) as (values ${places.join(', ')})
     update server_audit set seq = places.seq, link = places.link from places where server_audit.id = places.id`,
    values,
  )
}
