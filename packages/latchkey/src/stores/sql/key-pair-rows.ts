import type { SignatureAlgorithm } from '../../jws/algorithms.js'
import type { KeyPairRecord, KeyPairStage } from '../../keys/key-pair-store.js'
import type { Dialect } from './dialect.js'
import type { SqlClient } from './sql-client.js'
import { optionalNumber } from './tenant-rows.js'

interface KeyPairRow {
  readonly kid: string
  readonly algorithm: string
  readonly stage: string
  readonly public_jwk: string
  readonly master_key_id: string
  readonly sealed: string
  readonly created_at: number | string
  readonly retires_at: number | string | null
}

export async function readKeyPairs(client: SqlClient): Promise<readonly KeyPairRecord[]> {
  const { rows } = await client.query<KeyPairRow>(
    'select kid, algorithm, stage, public_jwk, master_key_id, sealed, created_at, retires_at from latchkey_key_pairs',
  )
  return rows.map((row) => ({
    kid: row.kid,
    algorithm: row.algorithm as SignatureAlgorithm,
    stage: row.stage as KeyPairStage,
    publicJwk: row.public_jwk,
    masterKeyId: row.master_key_id,
    sealed: row.sealed,
    createdAt: Number(row.created_at),
    retiresAt: optionalNumber(row.retires_at),
  }))
}

/** Replaces the set with the result of `decide`, in the open transaction of `client`. */
export async function changeKeyPairs(
  client: SqlClient,
  dialect: Dialect,
  decide: (current: readonly KeyPairRecord[]) => readonly KeyPairRecord[],
): Promise<{ readonly pairs: readonly KeyPairRecord[]; readonly hasChanged: boolean }> {
  await lockKeyPairs(client, dialect)
  const current = await readKeyPairs(client)
  const next = decide(current)
  if (next === current) return { pairs: current, hasChanged: false }
  const before = new Map(current.map((pair) => [pair.kid, pair]))
  const after = new Set(next.map((pair) => pair.kid))
  for (const { kid } of current) {
    if (!after.has(kid)) await client.query('delete from latchkey_key_pairs where kid = $1', [kid])
  }
  for (const pair of next) {
    const known = before.get(pair.kid)
    if (known === undefined || !isSamePair(known, pair)) {
      await client.query(upsertKeyPair(dialect), keyPairValues(pair))
    }
  }
  return { pairs: next, hasChanged: true }
}

/** Excludes other changes of the set until the end of the transaction. */
export async function lockKeyPairs(client: SqlClient, dialect: Dialect): Promise<void> {
  if (dialect.lockKeyPairs !== '') await client.query(dialect.lockKeyPairs)
}

function upsertKeyPair({ onConflict, inserted }: Dialect): string {
  const columns = ['algorithm', 'stage', 'public_jwk', 'master_key_id', 'sealed', 'created_at', 'retires_at']
  return `
    insert into latchkey_key_pairs (kid, ${columns.join(', ')}) values ($1, $2, $3, $4, $5, $6, $7, $8)
    ${onConflict('kid')} ${columns.map((column) => `${column} = ${inserted(column)}`).join(', ')}`
}

function keyPairValues(pair: KeyPairRecord): readonly unknown[] {
  const { kid, algorithm, stage, publicJwk, masterKeyId, sealed, createdAt, retiresAt } = pair
  return [kid, algorithm, stage, publicJwk, masterKeyId, sealed, createdAt, retiresAt]
}

function isSamePair(a: KeyPairRecord, b: KeyPairRecord): boolean {
  const others = keyPairValues(b)
  return keyPairValues(a).every((value, index) => value === others[index])
}
