import type { SqlClient, SqlStore } from 'latchkey/sqlite'
import { type AuditMac, beginning, type MarkName } from './audit-mac.js'
import { readMark, type StoredMark } from './audit-marks.js'
import { type ChainPoint, type SealedRecord, taggedColumns } from './audit-record.js'
import { type AuditVerdict, verifyAudit } from './verify-audit.js'

/** What `AuditChain` works with. */
export interface AuditChainOptions {
  readonly store: SqlStore
  readonly mac: AuditMac
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
    while ((await this.#pruneBatch(beforeMs)) === batchSize);
  }

  /**
   * Reads the whole log and checks every entry, its place, and both ends. Changes nothing. `expected` is a head that was noted down elsewhere: it must be in
   * the chain, so that not even the whole log can be set back behind it.
   */
  verify(expected?: ChainPoint): Promise<AuditVerdict> {
    return verifyAudit({ ...this.#options, expected })
  }

  async #sealAll(): Promise<void> {
    while (await hasUnsealed(this.#options.store)) {
      if ((await this.#sealBatch()) < batchSize) return
    }
  }

  #sealBatch(): Promise<number> {
    return this.#options.store.transaction(async (client) => {
      let last = await this.#lockHead(client)
      const { rows } = await client.query<{ id: string; tag: string }>(
        'select id, tag from server_audit where seq is null order by id limit $1',
        [batchSize],
      )
      const sealed = rows.map(({ id, tag }) => {
        last = this.#options.mac.next(last, tag)
        return { id, ...last }
      })
      if (sealed.length > 0) {
        await placeEntries(client, sealed)
        await this.#mark(client, 'head', last)
      }
      return sealed.length
    })
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
      this.#checkOrder(await this.#anchor(client), old)
      await client.query('delete from server_audit where seq <= $1', [last.seq])
      await this.#mark(client, 'anchor', last)
      return old.length
    })
  }

  #checkOrder(from: ChainPoint, entries: readonly SealedRecord[]): void {
    let previous = from
    for (const entry of entries) {
      if (this.#options.mac.faultOf(previous, entry) !== undefined) throw new AuditChainBroken()
      previous = entry
    }
  }

  async #anchor(client: SqlClient): Promise<ChainPoint> {
    const anchor = await readMark(client, 'anchor')
    if (anchor === undefined) return beginning
    if (!this.#options.mac.isGenuineMark('anchor', anchor)) throw new AuditChainBroken()
    return anchor
  }

  /** The newest place, locked until the transaction ends. */
  async #lockHead(client: SqlClient): Promise<ChainPoint> {
    const { mac } = this.#options
    const { rows } = await client.query<StoredMark>(
      `insert into server_audit_marks (name, seq, link, tag) values ('head', 0, '', $1)
       on conflict (name) do update set seq = server_audit_marks.seq returning seq, link, tag`,
      [mac.markOf('head', beginning)],
    )
    const [head] = rows
    const genuine = head !== undefined && mac.isGenuineMark('head', head) && (head.seq > 0 || (await isUnbegun(client)))
    if (!genuine) throw new AuditChainBroken()
    return head
  }

  async #mark(client: SqlClient, name: MarkName, { seq, link }: ChainPoint): Promise<void> {
    await client.query(
      `insert into server_audit_marks (name, seq, link, tag) values ($1, $2, $3, $4)
       on conflict (name) do update set seq = excluded.seq, link = excluded.link, tag = excluded.tag`,
      [name, seq, link, this.#options.mac.markOf(name, { seq, link })],
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
