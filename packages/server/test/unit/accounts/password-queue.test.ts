import { setImmediate as nextRound } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { PasswordQueue, type PasswordTask } from '../../../src/accounts/password-queue.js'
import { HeldHasher } from '../../support/held-hasher.js'

const at = (address: string, connection?: AbortSignal): PasswordTask => ({
  use: 'registration',
  origin: { address, userAgent: null, ...(connection && { connection }) },
})
const onDevice = (address: string, account: string, token = `of ${account}`): PasswordTask => ({
  use: 'login',
  origin: { address, userAgent: null },
  device: { account, token },
})
const login = (address: string): PasswordTask => ({
  use: 'login',
  origin: { address, userAgent: null },
  device: undefined,
})

/**
 * Makes a queue with one worker, which is busy; `ask` resolves to `done` or the code of the
 * refusal.
 */
function busyQueue(maxWaiting: number) {
  const hasher = new HeldHasher()
  hasher.isHeld = true
  const refusals: string[] = []
  const queue = new PasswordQueue(hasher, { parallel: 1, maxWaiting }, (use, reason) =>
    refusals.push(`${use} ${reason}`),
  )
  const ask = (task: PasswordTask, name: string): Promise<string> =>
    queue.hash(task, name).then(
      () => 'done',
      (error) => error.code,
    )
  const first = ask({ use: 'operator' }, 'first')
  /**
   * Finishes all entries, one after the other, and returns the order in which they were processed.
   */
  const finish = async () => {
    while (hasher.running > 0) {
      hasher.finishOne()
      await nextRound()
    }
    await first
    return hasher.order.slice(1)
  }
  return { hasher, queue, refusals, ask, finish }
}

describe('the queue before the hashing of passwords', () => {
  it('shares its turns between networks, whatever the number of addresses in each', async () => {
    const { ask, finish } = busyQueue(100)
    for (let n = 0; n < 30; n += 1) void ask(at(`2001:db8:${n}::1`), `flood ${n}`)
    for (let n = 0; n < 30; n += 1) void ask(at(`198.51.${n}.7`), `flood 4 ${n}`)
    void ask(at('2001:db9::1'), 'owner')
    expect((await finish()).indexOf('owner')).toBe(2)
  })

  it('groups requests without an address as one network', async () => {
    const { ask, finish } = busyQueue(100)
    for (let n = 0; n < 30; n += 1) void ask(at('unknown'), `flood ${n}`)
    void ask(at('192.0.2.1'), 'owner')
    expect((await finish()).indexOf('owner')).toBe(1)
  })

  it('refuses the newest entry of the network with the most entries, in favour of a network with fewer', async () => {
    const { ask, finish, queue, refusals } = busyQueue(3)
    const flood = [0, 1, 2, 3].map((n) => ask(at('2001:db8::1'), `flood ${n}`))
    expect(await flood[3]).toBe('overloaded')
    const owner = ask(at('2001:db9::1'), 'owner')
    expect(await flood[2]).toBe('overloaded')
    expect(queue.waiting).toBe(3)
    expect(refusals).toEqual(['registration full', 'registration displaced'])
    expect(await finish()).toEqual(['flood 0', 'owner', 'flood 1'])
    expect(await owner).toBe('done')
  })

  it('shares its turns between purposes', async () => {
    const { ask, finish } = busyQueue(100)
    for (let n = 0; n < 20; n += 1) {
      void ask(at(`${n + 1}.0.2.1`), `registration ${n}`)
      void ask({ use: 'account', origin: { address: `${n + 1}.0.2.1`, userAgent: null }, account: `${n}` }, 'change')
      void ask({ use: 'link', origin: { address: `${n + 1}.0.2.1`, userAgent: null } }, 'link')
    }
    void ask(login('192.0.2.1'), 'owner')
    expect((await finish()).indexOf('owner')).toBe(3)
  })

  it('shares the turns of one address between signed-in accounts', async () => {
    const { ask, finish } = busyQueue(100)
    const origin = { address: '192.0.2.1', userAgent: null }
    for (let n = 0; n < 20; n += 1) void ask({ use: 'account', origin, account: 'thief' }, `thief ${n}`)
    void ask({ use: 'account', origin, account: 'owner' }, 'owner')
    expect((await finish()).indexOf('owner')).toBe(1)
  })

  it('puts known devices ahead, two requests of each at a time, from any number of networks', async () => {
    const { ask, finish } = busyQueue(100)
    for (let n = 0; n < 20; n += 1) void ask(onDevice(`2001:${n}::1`, 'thief'), 'thief')
    for (let n = 0; n < 20; n += 1) void ask(login('2001:db8::1'), 'unknown')
    void ask(onDevice('2001:db8::2', 'owner'), 'owner')
    void ask(login('192.0.2.1'), 'new device')
    const order = await finish()
    expect(order.indexOf('owner')).toBeLessThan(3)
    expect(order.indexOf('new device')).toBeLessThan(30)
    expect(order.slice(0, 3).filter((name) => name === 'thief')).toHaveLength(2)
    expect(order).toHaveLength(42)
  })

  it('puts a device ahead again once its requests have left the queue', async () => {
    const { ask, hasher } = busyQueue(100)
    for (let round = 0; round < 5; round += 1) {
      void ask(login('2001:db8::1'), 'unknown')
      const answers = [1, 2].map(() => ask(onDevice('2001:db8::2', 'owner'), 'owner'))
      for (let turn = 0; turn < 3; turn += 1) {
        hasher.finishOne()
        await nextRound()
      }
      expect(await Promise.all(answers)).toEqual(['done', 'done'])
    }
  })

  it('skips closed connections, and releases their places', async () => {
    const { ask, finish, queue, refusals } = busyQueue(3)
    const connection = new AbortController()
    const left = [0, 1, 2].map((n) => ask(at('2001:db8::1', connection.signal), `left ${n}`))
    expect(queue.waiting).toBe(3)
    connection.abort()
    expect(await Promise.all(left)).toEqual(['overloaded', 'overloaded', 'overloaded'])
    expect(await ask(at('2001:db8::1', connection.signal), 'late')).toBe('overloaded')
    expect(queue.waiting).toBe(0)
    expect(refusals).toEqual(Array(4).fill('registration abandoned'))
    void ask(at('2001:db8::1'), 'here')
    expect(await finish()).toEqual(['here'])
  })

  it('reports that it is full before a turn is requested, and only to requests that it would refuse', () => {
    const { ask, queue } = busyQueue(2)
    void ask(login('2001:db8::1'), 'flood')
    void ask(login('2001:db8:0:1::1'), 'flood')
    expect(() => queue.checkRoom(login('2001:db8:0:2::1'))).toThrow(expect.objectContaining({ code: 'overloaded' }))
    expect(() => queue.checkRoom(login('2001:db9::1'))).not.toThrow()
    expect(() => queue.checkRoom(onDevice('2001:db8::1', 'owner'))).not.toThrow()
  })
})
