import { describe, expect, it } from 'vitest'
import { Mutex } from '../../../src/stores/mutex.js'

describe('a mutex', () => {
  it('runs one call at a time, in order of arrival, also after one has failed', async () => {
    const mutex = new Mutex(1000)
    const events: string[] = []
    const work = (name: string) => async () => {
      events.push(`${name} begins`)
      await new Promise(setImmediate)
      events.push(`${name} ends`)
      if (name === 'b') throw new Error('Failed by the test.')
      return name
    }
    const results = await Promise.allSettled(['a', 'b', 'c'].map((name) => mutex.run(work(name))))
    expect(results.map((result) => result.status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(events).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends'])
  })

  it('rejects a caller that has waited too long, never runs its work, and serves those after it', async () => {
    const mutex = new Mutex(20)
    let release = () => {}
    const first = mutex.run(() => new Promise<void>((resolve) => (release = resolve)))
    let ran = false
    const late = mutex.run(async () => {
      ran = true
    })
    await expect(late).rejects.toMatchObject({ code: 'store_busy' })
    release()
    await first
    expect(await mutex.run(async () => 'next')).toBe('next')
    expect(ran).toBe(false)
  })
})
