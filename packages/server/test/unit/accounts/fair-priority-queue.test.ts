import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FairPriorityQueue, type QueueRequest } from '../../../src/accounts/fair-priority-queue.js'

const ordinary = (...path: string[]): QueueRequest => ({ path, priority: false, cost: 1 })
const priority = (...path: string[]): QueueRequest => ({ path, priority: true, cost: 1 })

function take<T>(queue: FairPriorityQueue<T>, count: number): (T | undefined)[] {
  return Array.from({ length: count }, () => queue.take())
}

describe('a queue for turns', () => {
  it('processes priority entries in three of four turns while others wait', () => {
    const queue = new FairPriorityQueue<string>(20)
    for (let n = 0; n < 8; n += 1) {
      queue.add(ordinary('network'), 'o')
      queue.add(priority('network'), 'E')
    }
    expect(take(queue, 17).join('')).toBe('EEEoEEEoEEoooooo')
  })

  it('processes a priority entry in the next turn whatever waits', () => {
    const queue = new FairPriorityQueue<string>(20)
    for (let n = 0; n < 19; n += 1) queue.add(ordinary(`network ${n}`), 'o')
    expect(take(queue, 5).join('')).toBe('ooooo')
    queue.add(priority('network'), 'E')
    expect(queue.take()).toBe('E')
  })

  it('refuses a new entry of the largest group, and displaces its newest for any other', () => {
    const queue = new FairPriorityQueue<number>(3)
    for (let n = 0; n < 3; n += 1) queue.add(ordinary('large'), n)
    expect([
      queue.hasRoom(ordinary('large')),
      queue.hasRoom(ordinary('small')),
      queue.hasRoom(priority('large')),
    ]).toEqual([false, true, true])
    expect(queue.add(ordinary('large'), 3)).toBeUndefined()
    expect(queue.add(ordinary('small'), 4)?.displaced).toBe(2)
    expect(queue.add(priority('large'), 5)?.displaced).toBe(1)
    expect(take(queue, 4)).toEqual([5, 0, 4, undefined])
  })

  it('does not allow priority entries to take all places', () => {
    const queue = new FairPriorityQueue<number>(4)
    for (let n = 0; n < 4; n += 1) queue.add(priority('large', String(n)), n)
    expect(queue.add(ordinary('small'), 4)?.displaced).toBe(3)
    expect(queue.add(ordinary('other'), 5)?.displaced).toBe(2)
    expect(queue.hasRoom(priority('large', '9'))).toBe(false)
  })

  it('never exceeds its capacity, and settles each entry once', () => {
    const request = fc.record({
      path: fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('1', '2', '3')),
      priority: fc.boolean(),
      cost: fc.integer({ min: 1, max: 4 }),
    })
    const requests = fc.array(fc.oneof(request, fc.constant('take' as const)), { maxLength: 200 })
    fc.assert(
      fc.property(requests, fc.nat({ max: 12 }), (steps, capacity) => {
        const queue = new FairPriorityQueue<number>(capacity)
        const inside = new Set<number>()
        for (const [index, step] of steps.entries()) {
          if (step === 'take') {
            const value = queue.take()
            expect(value === undefined ? inside.size === 0 : inside.delete(value)).toBe(true)
          } else {
            const room = queue.hasRoom(step)
            const added = queue.add(step, index)
            expect(added !== undefined).toBe(room)
            if (added !== undefined) inside.add(index)
            if (added?.displaced !== undefined) expect(inside.delete(added.displaced)).toBe(true)
          }
          expect(queue.size).toBe(inside.size)
          expect(queue.size).toBeLessThanOrEqual(capacity)
        }
      }),
    )
  })
})
