import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type FairEntry, type FairPath, FairQueue } from '../../../src/fair-queue.js'

const path = fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('1', '2'), fc.constantFrom('x', 'y'))
const cost = fc.integer({ min: 1, max: 5 })

/** Adds entries whose values are the paths and the order of arrival. */
function queueOf(paths: readonly FairPath[]) {
  const queue = new FairQueue<{ path: FairPath; index: number }>()
  for (const [index, at] of paths.entries()) queue.add(at, { path: at, index })
  return queue
}

function drain<T>(queue: FairQueue<T>): T[] {
  const taken: T[] = []
  for (let value = queue.take(); value !== undefined; value = queue.take()) taken.push(value)
  return taken
}

describe('a fair queue', () => {
  it('processes an entry of a small group after one of each other group', () => {
    const queue = queueOf([...Array.from({ length: 200 }, (_, n) => ['large', String(n)]), ['small', '0']])
    expect([queue.take(), queue.take()].map((value) => value?.path[0])).toEqual(['large', 'small'])
  })

  it('puts a group that returns at the end of the round', () => {
    const queue = queueOf([['a'], ['a'], ['b'], ['c']])
    const first = queue.take()
    expect(first?.path).toEqual(['a'])
    expect(queue.take()?.path).toEqual(['b'])
    queue.add(['b'], { path: ['b'], index: 9 })
    expect(drain(queue).map(({ path: [group] }) => group)).toEqual(['c', 'a', 'b'])
  })

  it('charges a group for entries that cost more than one turn', () => {
    const queue = new FairQueue<string>()
    for (let n = 0; n < 3; n += 1) queue.add(['dear'], 'dear', 3)
    for (let n = 0; n < 8; n += 1) queue.add(['cheap'], 'cheap')
    const order = ['dear', 'cheap', 'cheap', 'cheap', 'dear', 'cheap', 'cheap', 'cheap', 'dear', 'cheap', 'cheap']
    expect(drain(queue)).toEqual(order)
  })

  it('drops the newest entry of the largest group at each level', () => {
    const queue = queueOf([
      ['a', '1'],
      ['b', '1'],
      ['b', '2'],
      ['b', '2'],
      ['b', '1'],
      ['b', '2'],
    ])
    expect([queue.dropNewest(), queue.dropNewest()?.path]).toEqual([{ path: ['b', '2'], index: 5 }, ['b', '2']])
    expect(queue.size).toBe(4)
  })

  it('reports whether a new entry would be dropped', () => {
    const queue = queueOf([
      ['a', '1'],
      ['a', '2'],
      ['b', '1'],
    ])
    expect(
      [
        ['a', '1'],
        ['a', '3'],
        ['b', '1'],
        ['c', '1'],
      ].map((at) => queue.wouldDrop(at)),
    ).toEqual([true, true, true, false])
  })

  it('is empty without entries', () => {
    const queue = new FairQueue<string>()
    expect([queue.size, queue.take(), queue.dropNewest(), queue.wouldDrop(['a'])]).toEqual([
      0,
      undefined,
      undefined,
      true,
    ])
  })

  it('never idles, loses or repeats an entry, whatever is added, taken, dropped and removed', () => {
    const action = fc.oneof(
      { weight: 3, arbitrary: fc.record({ kind: fc.constant('add' as const), path, cost }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('take' as const, 'drop' as const) }) },
      fc.record({ kind: fc.constant('remove' as const), at: fc.nat() }),
    )
    fc.assert(
      fc.property(fc.array(action, { maxLength: 200 }), (actions) => {
        const queue = new FairQueue<number>()
        const inside = new Map<number, FairEntry<number>>()
        const all: FairEntry<number>[] = []
        for (const step of actions) {
          if (step.kind === 'add') {
            const entry = queue.add(step.path, all.length, step.cost)
            inside.set(all.length, entry)
            all.push(entry)
          } else if (step.kind === 'remove') {
            const entry = all[step.at % Math.max(1, all.length)]
            if (entry === undefined) continue
            // The entry may have left already, and then nothing must change.
            queue.remove(entry)
            inside.delete(entry.value)
          } else {
            const value = step.kind === 'take' ? queue.take() : queue.dropNewest()
            expect(value !== undefined && inside.delete(value)).toBe(value !== undefined)
            if (value === undefined) expect(inside.size).toBe(0)
          }
          expect(queue.size).toBe(inside.size)
        }
        expect(drain(queue).sort()).toEqual([...inside.keys()].sort())
      }),
    )
  })

  it('keeps the order of arrival within the narrowest group', () => {
    fc.assert(
      fc.property(fc.array(path, { maxLength: 100 }), (paths) => {
        const lastOf = new Map<string, number>()
        for (const { path: at, index } of drain(queueOf(paths))) {
          expect(index).toBeGreaterThan(lastOf.get(at.join()) ?? -1)
          lastOf.set(at.join(), index)
        }
      }),
    )
  })

  it('takes as many from each of two groups of any level, within one, while both have entries', () => {
    fc.assert(
      fc.property(fc.array(path, { maxLength: 150 }), fc.integer({ min: 0, max: 2 }), (paths, level) => {
        const keyOf = (at: FairPath) => at.slice(0, level + 1).join()
        const parentOf = (at: FairPath) => at.slice(0, level).join()
        const left = new Map<string, number>()
        for (const at of paths) left.set(keyOf(at), (left.get(keyOf(at)) ?? 0) + 1)
        const taken = new Map<string, number>()
        for (const { path: at } of drain(queueOf(paths))) {
          const key = keyOf(at)
          taken.set(key, (taken.get(key) ?? 0) + 1)
          left.set(key, (left.get(key) ?? 0) - 1)
          for (const other of paths.filter((one) => parentOf(one) === parentOf(at)).map(keyOf)) {
            // While a group is waiting, another group gets at most one turn more.
            if ((left.get(other) ?? 0) > 0) expect((taken.get(key) ?? 0) - (taken.get(other) ?? 0)).toBeLessThan(2)
          }
        }
      }),
    )
  })

  it('starves no group, although another adds an entry for each that is taken', () => {
    fc.assert(
      fc.property(path, path, fc.integer({ min: 1, max: 60 }), (flooder, owner, backlog) => {
        fc.pre(flooder.join() !== owner.join())
        const queue = new FairQueue<'flood' | 'owner'>()
        for (let n = 0; n < backlog; n += 1) queue.add(flooder, 'flood')
        queue.add(owner, 'owner')
        let turns = 0
        for (let value: string | undefined = 'flood'; value === 'flood'; turns += 1) {
          value = queue.take()
          queue.add(flooder, 'flood')
        }
        expect(turns).toBeLessThanOrEqual(2)
      }),
    )
  })
})
