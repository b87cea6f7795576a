import { setImmediate as nextTurn } from 'node:timers/promises'
import { type KeyPairRecord, Keyring } from 'latchkey'
import type { SqlClient, SqlStore } from 'latchkey/sql'
import type { Core } from '../core.js'
import { idsOf } from '../database/master-keys/master-key-ring.js'

/** A key of the master key ring, or one that is missing in it and still needed. */
export interface MasterKeyUse {
  readonly id: string
  /** Whether it is in the key ring of this server. */
  readonly isInRing: boolean
  /** Whether it encrypts new values. */
  readonly encrypts: boolean
  /** Whether a stored value can be decrypted by it alone. */
  readonly isNeeded: boolean
  /** The number of secrets of accounts and clients under it. */
  readonly secrets: number
  /** The approximate number of values that it has ever encrypted. */
  readonly encryptions: number
}

/** The stage of a version of a kept key in its replacement. */
export type KeptKeyStage = 'next' | 'current' | 'ending' | 'retired'

/** A version of a key that all servers share, such as the one of refresh tokens. */
export interface KeptKeyVersion {
  readonly name: string
  readonly stage: KeptKeyStage
  readonly masterKeyId: string
}

/** The keys of the server; never the key material. */
export interface KeyInventory {
  /** The key ring, newest first, then the keys that are missing in it. */
  readonly masterKeys: readonly MasterKeyUse[]
  readonly keyPairs: readonly KeyPairRecord[]
  readonly keptKeys: readonly KeptKeyVersion[]
}

/** A count of this age is returned again. */
const freshMs = 2000

/** Lists the keys of the server for its administrators and for the command line. */
export class KeyInventoryReader {
  readonly #core: Pick<Core, 'store' | 'keys' | 'clock'>
  readonly #masterKeys: string
  #last: { readonly counts: ReadonlyMap<string, number>; readonly atMs: number } | undefined
  #counting: Promise<ReadonlyMap<string, number>> | undefined

  constructor(core: Pick<Core, 'store' | 'keys' | 'clock'>, masterKeys: string) {
    this.#core = core
    this.#masterKeys = masterKeys
  }

  async read(): Promise<KeyInventory> {
    const { store } = this.#core
    const masterKeys = await this.readMasterKeys()
    const [keyPairs, settings] = [await store.readKeyPairs(), await store.readSettings()]
    return { masterKeys, keyPairs, keptKeys: settings.map(keptKeyOf).sort(byName) }
  }

  async readMasterKeys(): Promise<readonly MasterKeyUse[]> {
    const { store, keys } = this.#core
    const [encryptions, needed] = [await keys.encryptions(), await store.masterKeyIds()]
    const secrets = await this.#countSecrets()
    const ring = idsOf(this.#masterKeys)
    const { newestId } = Keyring.parse(this.#masterKeys)
    const missing = needed.filter((id) => !ring.includes(id))
    return [...ring, ...missing].map((id) => ({
      id,
      isInRing: ring.includes(id),
      encrypts: id === newestId,
      isNeeded: needed.includes(id),
      secrets: secrets.get(id) ?? 0,
      encryptions: encryptions.get(id) ?? 0,
    }))
  }

  /** Requests at the same time share a count, which takes about a second for a million secrets. */
  async #countSecrets(): Promise<ReadonlyMap<string, number>> {
    const nowMs = this.#core.clock.monotonic()
    if (this.#last !== undefined && nowMs - this.#last.atMs < freshMs) return this.#last.counts
    this.#counting ??= countSecrets(this.#core.store).finally(() => {
      this.#counting = undefined
    })
    const counts = await this.#counting
    this.#last = { counts, atMs: nowMs }
    return counts
  }
}

/** Rows that one statement counts; SQLite works on the event loop, for about 2 ms of these. */
const stepRows = { postgres: 50_000, sqlite: 2000 } as const satisfies Record<SqlStore['dialect'], number>

async function countSecrets(store: SqlStore): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>()
  for (let after = ''; ; await nextTurn()) {
    const { rows } = await store.query<{ id: string; count: number | string; last: string }>(
      `select master_key_id as id, count(*) as count, max(max(kid)) over () as last
       from (select master_key_id, kid from latchkey_secrets where kid > $1 order by kid limit ${stepRows[store.dialect]}) as step
       group by master_key_id`,
      [after],
    )
    if (rows.length === 0) return counts
    for (const { id, count } of rows) counts.set(id, (counts.get(id) ?? 0) + Number(count))
    after = rows[0]?.last ?? after
  }
}

/** Returns the number of stored values that another master key than this one has encrypted. */
export async function countUnderOlderKeys(client: SqlClient, newestId: string): Promise<number> {
  const { rows } = await client.query<{ count: number | string }>(
    `select (select count(*) from latchkey_secrets where master_key_id <> $1)
       + (select count(*) from latchkey_tenants where grants_key_id <> $1)
       + (select count(*) from latchkey_settings where master_key_id <> $1)
       + (select count(*) from latchkey_key_pairs where master_key_id <> $1) as count`,
    [newestId],
  )
  return Number(rows[0]?.count)
}

const prefixes = ['next', 'ending', 'retired'] as const

/** A version other than the current one has its stage in front of the name of its row. */
function keptKeyOf({ name, masterKeyId }: { readonly name: string; readonly masterKeyId: string }): KeptKeyVersion {
  const stage = prefixes.find((prefix) => name.startsWith(`${prefix}:`))
  if (stage === undefined) return { name, stage: 'current', masterKeyId }
  return { name: name.slice(stage.length + 1), stage, masterKeyId }
}

function byName(one: KeptKeyVersion, other: KeptKeyVersion): number {
  return one.name < other.name ? -1 : one.name > other.name ? 1 : 0
}
