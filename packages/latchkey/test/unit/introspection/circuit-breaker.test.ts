import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CircuitBreaker } from '../../../src/introspection/circuit-breaker.js'
import { createFakeClock } from '../../../src/testing/fake-clock.js'

const probeMs = 500

describe('a circuit breaker', () => {
  it('admits all requests, until an outage, for its pause', () => {
    const clock = createFakeClock()
    const breaker = new CircuitBreaker(clock, probeMs)
    expect([breaker.admit(), breaker.admit(), breaker.pauseMs]).toEqual([true, true, 0])
    breaker.recordOutage(clock.monotonic(), 1000)
    expect([breaker.admit(), breaker.pauseMs]).toEqual([false, 1000])
    clock.advance(999)
    expect([breaker.admit(), breaker.pauseMs]).toEqual([false, 1])
    clock.advance(1)
    expect([breaker.admit(), breaker.admit()], 'one probe').toEqual([true, false])
  })

  it('admits another probe when the first one does not return', () => {
    const clock = createFakeClock()
    const breaker = new CircuitBreaker(clock, probeMs)
    breaker.recordOutage(clock.monotonic(), 1000)
    clock.advance(1000)
    expect(breaker.admit()).toBe(true)
    clock.advance(probeMs)
    expect([breaker.admit(), breaker.admit()]).toEqual([true, false])
  })

  it('is closed by an answer, and not opened by a request that started before it', () => {
    const clock = createFakeClock()
    const breaker = new CircuitBreaker(clock, probeMs)
    const early = clock.monotonic()
    clock.advance(1)
    expect(breaker.recordAnswer(clock.monotonic())).toBe(false)
    breaker.recordOutage(early, 1000)
    expect(breaker.admit()).toBe(true)
    breaker.recordOutage(clock.monotonic(), 1000)
    expect(breaker.admit()).toBe(false)
    expect(breaker.recordAnswer(clock.monotonic())).toBe(true)
    expect([breaker.admit(), breaker.admit()]).toEqual([true, true])
  })

  type Step = { readonly advance: number } | { readonly finish: number; readonly isOutage: boolean } | 'ask'
  const step: fc.Arbitrary<Step> = fc.oneof(
    fc.record({ advance: fc.integer({ min: 1, max: 2000 }) }),
    fc.record({ finish: fc.nat(5), isOutage: fc.boolean() }),
    fc.constant<Step>('ask'),
  )

  it('sends at most one request per probe time between an outage and the next answer (property)', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const clock = createFakeClock()
        const breaker = new CircuitBreaker(clock, probeMs)
        const running: number[] = []
        let isOpen = false
        let latestAnswer = Number.NEGATIVE_INFINITY
        let lastProbe = Number.NEGATIVE_INFINITY
        for (const each of steps) {
          const nowMs = clock.monotonic()
          if (each === 'ask') {
            if (!breaker.admit()) {
              expect(isOpen).toBe(true)
              continue
            }
            if (isOpen) {
              expect(nowMs - lastProbe).toBeGreaterThanOrEqual(probeMs)
              lastProbe = nowMs
            }
            running.push(nowMs)
          } else if ('advance' in each) {
            clock.advance(each.advance)
          } else {
            const [startedMs] = running.splice(each.finish, 1)
            if (startedMs === undefined) continue
            if (!each.isOutage) {
              breaker.recordAnswer(startedMs)
              latestAnswer = Math.max(latestAnswer, startedMs)
              isOpen = false
              lastProbe = Number.NEGATIVE_INFINITY
            } else {
              breaker.recordOutage(startedMs, 1000)
              if (latestAnswer <= startedMs) isOpen = true
            }
          }
        }
      }),
    )
  })
})
