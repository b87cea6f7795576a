import { describe, expect, it } from 'vitest'
import { Semaphore } from '../../src/semaphore.js'
import { KeyedMutex } from '../../src/stores/keyed-mutex.js'

/** Work that continues until the test ends it. */
function openWork() {
  let end = () => {}
  const ended = new Promise<void>((resolve) => {
    end = resolve
  })
  return { work: () => ended, end: () => end() }
}

describe('a semaphore', () => {
  it('runs as many calls at once as it has places, and the next one when one ends', async () => {
    const semaphore = new Semaphore(2, 1000)
    const [first, second] = [openWork(), openWork()]
    let hasBegun = false
    const running = [semaphore.run(first.work), semaphore.run(second.work)]
    const third = semaphore.run(async () => {
      hasBegun = true
    })
    await new Promise(setImmediate)
    expect(hasBegun).toBe(false)
    second.end()
    await third
    first.end()
    await Promise.all(running)
  })

  it('has all its places again after callers have failed and timed out', async () => {
    const semaphore = new Semaphore(1, 20)
    const held = openWork()
    const holding = semaphore.run(held.work)
    await expect(semaphore.run(async () => {})).rejects.toMatchObject({ code: 'store_busy', status: 503 })
    held.end()
    await holding
    await expect(semaphore.run(() => Promise.reject(new Error('Failed by the test.')))).rejects.toThrow()
    expect(await semaphore.run(async () => 'next')).toBe('next')
  })
})

describe('a mutex of each key', () => {
  it('makes callers of one key wait for each other, and no others', async () => {
    const turns = new KeyedMutex(20)
    const held = openWork()
    const holding = turns.run('alice', held.work)
    expect(await turns.run('bob', async () => 'passed')).toBe('passed')
    await expect(turns.run('alice', async () => {})).rejects.toMatchObject({ code: 'store_busy' })
    held.end()
    await holding
    expect(await turns.run('alice', async () => 'next')).toBe('next')
  })
})
