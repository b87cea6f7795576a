import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Bucket,
  emptyBucket,
  failed,
  failedByNetwork,
  needsConfirmation,
  unknownDeviceWaitMs,
  waitMs,
} from '../../../src/guess-policy.js'

const dayMs = 86_400_000
const minuteMs = 60_000
const start = 1_700_000_000_000

/** Returns the times of guesses that are made as soon as each delay is over. */
function guessesOf(durationMs: number, bucket: Bucket = emptyBucket): number[] {
  const moments: number[] = []
  let now = start
  for (let current = bucket; ; ) {
    now += waitMs(current, now)
    if (now >= start + durationMs) return moments
    moments.push(now)
    current = failed(current, now)
  }
}

function mostWithin(moments: readonly number[], spanMs: number): number {
  return Math.max(...moments.map((from) => moments.filter((at) => at >= from && at < from + spanMs).length))
}

function after(failures: number, now = start): Bucket {
  let bucket = emptyBucket
  for (let count = 0; count < failures; count += 1) bucket = failed(bucket, now)
  return bucket
}

describe('a bucket', () => {
  it('allows a few failures, then delays longer and longer', () => {
    const waits = Array.from({ length: 18 }, (_, failures) => waitMs(after(failures), start) / 1000)
    expect(waits).toEqual([0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 1200, 1200])
  })

  it('opens when its delay is over, and is empty again after a day', () => {
    expect(waitMs(after(17), start + 20 * minuteMs - 1)).toBe(1)
    expect(waitMs(after(17), start + 20 * minuteMs)).toBe(0)
    expect(failed(after(17), start + dayMs - 1).failures).toBe(18)
    expect(failed(after(17), start + dayMs)).toEqual({ failures: 1, misses: 18, lastAt: start + dayMs })
  })

  it('accepts fewer than 100 guesses in any day of a month, whatever their times', () => {
    expect(mostWithin(guessesOf(30 * dayMs), dayMs)).toBeLessThan(100)
    // Pauses allow no more guesses, because the bucket is empty only after a day.
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 26 * 60 }), { minLength: 1, maxLength: 400 }), (pauses) => {
        const moments: number[] = []
        let now = start
        let bucket = emptyBucket
        for (const pause of pauses) {
          now += Math.max(waitMs(bucket, now), pause * minuteMs)
          bucket = failed(bucket, now)
          moments.push(now)
        }
        expect(mostWithin(moments, dayMs)).toBeLessThan(100)
      }),
    )
  })

  it('requires a confirmation after 100 consecutive failures, whatever their times', () => {
    expect([99, 100].map((failures) => needsConfirmation(after(failures), start))).toEqual([false, true])
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 29 * 24 * 60 }), { minLength: 1, maxLength: 150 }), (pauses) => {
        let now = start
        let bucket = emptyBucket
        for (const pause of pauses) {
          now += pause * minuteMs
          bucket = failed(bucket, now)
        }
        expect(needsConfirmation(bucket, now)).toBe(pauses.length >= 100)
      }),
    )
    expect(needsConfirmation(after(1000), start + 30 * dayMs)).toBe(false)
  })

  it('does not stay closed after a clock was far ahead', () => {
    expect(waitMs({ failures: 40, misses: 40, lastAt: start + 365 * dayMs }, start)).toBe(0)
    expect(waitMs({ failures: 40, misses: 40, lastAt: start + 1000 }, start)).toBeLessThanOrEqual(20 * minuteMs)
  })
})

describe('the bucket of unknown devices', () => {
  const attacked = after(30)

  it('has the same delays as any bucket while it is not under attack', () => {
    for (let failures = 0; failures < 16; failures += 1) {
      expect(unknownDeviceWaitMs(after(failures), after(3), start)).toBe(waitMs(after(failures), start))
    }
  })

  it('opens for new networks before failed ones, and for these by their number of failures', () => {
    const waits = [0, 1, 2, 3].map((failures) => unknownDeviceWaitMs(attacked, after(failures), start) / minuteMs)
    expect(waits).toEqual([20, 40, 60, 80])
    expect(unknownDeviceWaitMs(attacked, after(10_000), start)).toBe(dayMs + 20 * minuteMs)
  })

  it('remembers for a month which networks have failed', () => {
    const long = after(1, start - 29 * dayMs)
    expect(unknownDeviceWaitMs(attacked, long, start)).toBe(40 * minuteMs)
    expect(unknownDeviceWaitMs(attacked, after(1, start - 30 * dayMs), start)).toBe(20 * minuteMs)
    expect(failedByNetwork(long, start).failures).toBe(2)
  })

  it('accepts a new network within 20 minutes once all the others have failed', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }), (failures) => {
        const others = failures.map((count) => unknownDeviceWaitMs(attacked, after(count), start))
        const fresh = unknownDeviceWaitMs(attacked, emptyBucket, start)
        expect(fresh).toBeLessThanOrEqual(20 * minuteMs)
        expect(fresh).toBeLessThan(Math.min(...others))
      }),
    )
  })
})
