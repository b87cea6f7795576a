import type { FreshKeyPair } from './key-pair-sealer.js'
import type { KeyPairRecord, KeyPairStage } from './key-pair-store.js'

/**
 * When a rotation happens, and until when the key that it replaces verifies. Milliseconds since
 * 1970.
 */
export interface RotationTimes {
  readonly nowMs: number
  readonly retiresAt: number
}

/** Whether one key signs and the one after it is published. */
export function isComplete(records: readonly KeyPairRecord[]): boolean {
  return has(records, 'current') && has(records, 'next')
}

/**
 * The set with a current and a next key, made of the fresh ones where they are missing; the same
 * array when nothing is.
 */
export function completed(
  records: readonly KeyPairRecord[],
  [forCurrent, forNext]: readonly [FreshKeyPair, FreshKeyPair],
): readonly KeyPairRecord[] {
  if (isComplete(records)) return records
  const withCurrent = has(records, 'current') ? records : [...records, staged(forCurrent, 'current')]
  return has(records, 'next') ? withCurrent : [...withCurrent, staged(forNext, 'next')]
}

/**
 * The set one step on: next signs, current verifies until `retiresAt`, `fresh` is the next, and
 * what has retired is gone. The same array when the set is not complete: a key that was never
 * published must not sign.
 */
export function rotated(
  records: readonly KeyPairRecord[],
  fresh: FreshKeyPair,
  { nowMs, retiresAt }: RotationTimes,
): readonly KeyPairRecord[] {
  if (!isComplete(records)) return records
  const moved = records.map((record): KeyPairRecord => {
    if (record.stage === 'next') return { ...record, stage: 'current' }
    return record.stage === 'current' ? { ...record, stage: 'previous', retiresAt } : record
  })
  return [...moved.filter((record) => !isRetired(record, nowMs)), staged(fresh, 'next')]
}

/**
 * Returns whether the last rotation of a complete set was before this time: the next key is made by
 * the rotation before its own.
 */
export function isRotationDue(records: readonly KeyPairRecord[], before: number): boolean {
  return isComplete(records) && records.some(({ stage, createdAt }) => stage === 'next' && createdAt < before)
}

/** Whether a key verifies no more. */
export function isRetired({ retiresAt }: Pick<KeyPairRecord, 'retiresAt'>, nowMs: number): boolean {
  return retiresAt !== null && !(nowMs < retiresAt)
}

function has(records: readonly KeyPairRecord[], stage: KeyPairStage): boolean {
  return records.some((record) => record.stage === stage)
}

function staged(fresh: FreshKeyPair, stage: KeyPairStage): KeyPairRecord {
  return { ...fresh, stage, retiresAt: null }
}
