import type { StoredKey } from 'latchkey'
import type { SqlClient } from 'latchkey/sql'
import { type AuditMac, beginning, type MarkName } from './audit-mac.js'
import { readMark, type StoredMark } from './audit-marks.js'
import { type ChainPoint, type SealedRecord, taggedColumns } from './audit-record.js'
import { addSegment, isClosedUnder, openMacs, pruneSegments, readChainMacs } from './audit-segments.js'
import type { AuditCore } from './audit-trail.js'
import { type AuditPartVerdict, type AuditVerdict, verifyAudit, verifyAuditPart } from './verify-audit.js'

/**
 * Thrown if the chain of the audit log was changed by another writer. `latchkey audit verify`
 * reports the place.
 */
export class AuditChainBroken extends Error {
  override readonly name = 'AuditChainBroken'
  readonly code = 'audit_chain_broken'

  constructor() {
    super('The audit log was changed outside of Latchkey: run "latchkey audit verify" to find the place.')
  }
}

/** Entries that are linked or deleted in one transaction. */
const batchSize = 250

/**
 * Links the entries of the log into one chain, and deletes its oldest entries.
 *
 * Entries are written without a place in the chain, so that requests do not wait for each other. A
 * moment later one process locks the row of the head and links all new entries: a few statements
 * for hundreds of entries. Until then only its tag protects an entry.
 */
export class AuditChain {
  readonly #core: AuditCore
  readonly #mac: StoredKey<AuditMac>
  #sealing: Promise<void> | undefined

  constructor(core: AuditCore, mac: StoredKey<AuditMac>) {
    this.#core = core
    this.#mac = mac
  }

  /**
   * Links every entry that has no place yet.
   *
   * @throws AuditChainBroken if the stored head of the chain is not genuine
   */
  seal(): Promise<void> {
    this.#sealing ??= this.#sealAll().finally(() => {
      this.#sealing = undefined
    })
    return this.#sealing
  }

  /**
   * Deletes entries that are older than `beforeMs` (milliseconds since 1970), and stores the place
   * of the last deleted one as the anchor.
   *
   * @throws AuditChainBroken before it deletes a part that is not in order, because that part is
   * evidence
   */
  async prune(beforeMs: number): Promise<void> {
    await this.#core.keys.ensureKeys()
    while ((await this.#pruneBatch(beforeMs)) === batchSize);
  }

  /**
   * Reads the whole log and checks every entry, its place, and both ends. Changes nothing.
   *
   * @param expected a head that was stored elsewhere; the chain must contain it, so that a log that
   * was rolled back is detected
   */
  async verify(expected?: ChainPoint): Promise<AuditVerdict> {
    await this.#core.keys.ensureKeys()
    return verifyAudit({ store: this.#core.store, mac: this.#mac, expected })
  }

  /** Reads one part of the log; see `verifyAuditPart`. Changes nothing. */
  async verifyPart(after: ChainPoint | undefined, maxEntries: number): Promise<AuditPartVerdict> {
    await this.#core.keys.ensureKeys()
    return verifyAuditPart({ store: this.#core.store, mac: this.#mac }, { after, maxEntries })
  }

  /**
   * Closes the part of the chain that was made with the key that is being replaced: the entries up
   * to the newest place are anchored under the new key, and later ones need the new key. Call it
   * once no process uses the old key. It is idempotent.
   *
   * @throws AuditChainBroken
   */
  async closeSegment(): Promise<void> {
    const { store, keys, clock } = this.#core
    await keys.ensureKeys()
    const { current, replaced, isReplacing } = this.#mac
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
    await this.#core.keys.ensureKeys()
    while (await hasUnsealed(this.#core.store)) {
      if ((await this.#sealBatch()) < batchSize) return
    }
  }

  #sealBatch(): Promise<number> {
    return this.#core.store.transaction(async (client) => {
      const head = await this.#lockHead(client)
      const last = await this.#linkBatch(client, head)
      return last.seq - head.seq
    })
  }

  /**
   * Links up to one batch of entries behind the locked head.
   *
   * @returns the new head; the same object if there was nothing to link
   */
  async #linkBatch(client: SqlClient, head: ChainPoint): Promise<ChainPoint> {
    const { rows } = await client.query<{ id: string; tag: string }>(
      'select id, tag from server_audit where seq is null order by id limit $1',
      [batchSize],
    )
    if (rows.length === 0) return head
    let last = head
    const sealed = rows.map(({ id, tag }) => {
      last = this.#mac.current.next(last, tag)
      return { id, ...last }
    })
    await placeEntries(client, sealed)
    await this.#mark(client, 'head', last)
    return last
  }

  #pruneBatch(beforeMs: number): Promise<number> {
    return this.#core.store.transaction(async (client) => {
      // Only the holder of this lock changes the chain.
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
    const macs = await readChainMacs(client, this.#mac)
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

  /** Returns the newest place, locked until the transaction ends. */
  async #lockHead(client: SqlClient): Promise<ChainPoint> {
    const mac = this.#mac
    const { rows } = await client.query<StoredMark>(
      `insert into server_audit_marks (name, seq, link, tag) values ('head', 0, '', $1)
       on conflict (name) do update set seq = server_audit_marks.seq returning seq, link, tag`,
      [mac.current.markOf('head', beginning)],
    )
    const [head] = rows
    const genuine =
      head !== undefined && this.#isGenuineMark('head', head) && (head.seq > 0 || (await isChainEmpty(client)))
    if (!genuine) throw new AuditChainBroken()
    return head
  }

  #isGenuineMark(name: MarkName, mark: StoredMark): boolean {
    return openMacs(this.#mac).some((mac) => mac.isGenuineMark(name, mark))
  }

  async #mark(client: SqlClient, name: MarkName, { seq, link }: ChainPoint): Promise<void> {
    await client.query(
      `insert into server_audit_marks (name, seq, link, tag) values ($1, $2, $3, $4)
       on conflict (name) do update set seq = excluded.seq, link = excluded.link, tag = excluded.tag`,
      [name, seq, link, this.#mac.current.markOf(name, { seq, link })],
    )
  }
}

async function hasUnsealed(client: SqlClient): Promise<boolean> {
  const { rows } = await client.query('select id from server_audit where seq is null limit 1')
  return rows.length > 0
}

/** Returns whether no entry was ever linked; only then may the chain begin. */
async function isChainEmpty(client: SqlClient): Promise<boolean> {
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
