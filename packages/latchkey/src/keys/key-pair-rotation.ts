import type { FreshKeyPair } from './key-pair-sealer.js'
import type { KeyPairRecord, KeyPairStage } from './key-pair-store.js'

/**
 * The time of a rotation, and the time at which the replaced key stops verifying, in milliseconds
 * since 1970.
 */
export interface RotationTimes {
  readonly nowMs: number
  readonly retiresAt: number
}

/** Returns whether the set has a current and a next key. */
export function isComplete(records: readonly KeyPairRecord[]): boolean {
  return has(records, 'current') && has(records, 'next')
}

/**
 * Returns the set with fresh keys in place of a missing current or next key; the same array if it
 * is complete.
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
 * Returns the set after a rotation: the next key signs, the current one verifies until `retiresAt`,
 * `fresh` is the next one, and retired keys are removed. Returns the same array if the set is
 * incomplete, because a key that was never published must not sign.
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
 * Returns whether the last rotation of a complete set was before this time. Each rotation creates
 * the next key, so that the age of that key is the time since the rotation.
 */
export function isRotationDue(records: readonly KeyPairRecord[], before: number): boolean {
  return isComplete(records) && records.some(({ stage, createdAt }) => stage === 'next' && createdAt < before)
}

/** Returns whether a key has stopped verifying. */
export function isRetired({ retiresAt }: Pick<KeyPairRecord, 'retiresAt'>, nowMs: number): boolean {
  return retiresAt !== null && !(nowMs < retiresAt)
}

function has(records: readonly KeyPairRecord[], stage: KeyPairStage): boolean {
  return records.some((record) => record.stage === stage)
}

function staged(fresh: FreshKeyPair, stage: KeyPairStage): KeyPairRecord {
  return { ...fresh, stage, retiresAt: null }
}
