import { setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'
import { afterEach, describe, expect, it } from 'vitest'
import type { Auth } from '../../src/auth.js'
import { instantOf, systemClock } from '../../src/clock.js'
import { sharedSecret } from '../../src/keys/shared-secret.js'
import { createLatchkey } from '../../src/latchkey.js'
import type { Latchkey } from '../../src/latchkey-api.js'
import { memoryStore } from '../../src/stores/memory/index.js'
import { type SetupOptions, setUp } from '../support/setup.js'
import { steer } from '../support/steered-store.js'

const opened: Latchkey[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map((latchkey) => latchkey.close()))
})

function open(options: SetupOptions = {}) {
  const setup = setUp(options)
  opened.push(setup.latchkey)
  return setup
}

/** Signs in and watches; `reasons` are the codes with which the watch ended. */
async function watchNew(latchkey: Latchkey, subject: string, expiresIn?: number) {
  const issued = await latchkey.issue(expiresIn === undefined ? { subject } : { subject, expiresIn })
  const auth = await latchkey.verify(issued.token)
  const reasons: string[] = []
  const stop = latchkey.watch(auth, (reason) => reasons.push(reason.code))
  return { auth, reasons, stop, sessionId: issued.sessionId, token: issued.token }
}

describe('a token that is watched', () => {
  it.each([
    ['revoke', 'token_revoked'],
    ['disable', 'token_revoked'],
    ['forget', 'token_revoked'],
    ['requireReissue', 'reissue_required'],
  ] as const)('ends with %s, once, with the reason', async (ending, code) => {
    const { latchkey, keys } = open()
    const { reasons } = await watchNew(latchkey, 'alice')
    await keys[ending]('alice')
    await expect.poll(() => reasons).toEqual([code])
    await keys.forget('alice')
    await sleep(50)
    expect(reasons).toEqual([code])
  })

  it('ends with its session, and those of other sessions and other tenants go on', async () => {
    const { latchkey, keys } = open()
    const phone = await watchNew(latchkey, 'alice')
    const laptop = await watchNew(latchkey, 'alice')
    const bob = await watchNew(latchkey, 'bob')
    await keys.revokeSession('alice', phone.sessionId)
    await expect.poll(() => phone.reasons).toEqual(['session_ended'])
    await sleep(50)
    expect([laptop.reasons, bob.reasons]).toEqual([[], []])
  })

  it('ends in the other processes as well', async () => {
    const store = memoryStore()
    const here = open({ store })
    const there = open({ store })
    const { token } = await here.latchkey.issue({ subject: 'alice' })
    const reasons: string[] = []
    there.latchkey.watch(await there.latchkey.verify(token), (reason) => reasons.push(reason.code))
    await here.keys.revoke('alice')
    await expect.poll(() => reasons).toEqual(['token_revoked'])
  })

  it('stays valid after a rotation', async () => {
    const { latchkey, keys } = open()
    const { reasons } = await watchNew(latchkey, 'alice')
    await keys.rotate('alice')
    await sleep(50)
    expect(reasons).toEqual([])
  })

  it('ends when it expires, whatever secret signed it', async () => {
    const keys = sharedSecret({ secrets: ['a secret that is long enough for HS256'] })
    const latchkey = createLatchkey({ issuer: 'https://issuer.test', audience: 'test', keys, clockTolerance: 0 })
    opened.push(latchkey)
    const { reasons } = await watchNew(latchkey, 'alice', 2)
    await expect.poll(() => reasons).toEqual(['token_expired'])
  })

  it('ends when it was revoked between its verification and the call of watch', async () => {
    const { latchkey, keys } = open()
    const auth = await latchkey.verify((await latchkey.issue({ subject: 'alice' })).token)
    await keys.revoke('alice')
    const reasons: string[] = []
    latchkey.watch(auth, (reason) => reasons.push(reason.code))
    await expect.poll(() => reasons).toEqual(['token_revoked'])
  })

  it('causes no call once the watch was stopped', async () => {
    const { latchkey, keys } = open()
    const { reasons, stop } = await watchNew(latchkey, 'alice')
    stop()
    stop()
    await keys.revoke('alice')
    await sleep(50)
    expect(reasons).toEqual([])
  })

  it('causes no call either when the watch is stopped during a check', async () => {
    const steered = steer()
    const { latchkey, keys } = open({ store: steered.store })
    const { reasons, stop } = await watchNew(latchkey, 'alice')
    steered.holdReads()
    await keys.revoke('alice')
    steered.listeners[0]?.lost()
    await expect.poll(() => steered.held.length).toBeGreaterThan(0)
    stop()
    steered.release()
    await sleep(50)
    expect(reasons).toEqual([])
  })

  it('causes no call after close, not even at its expiry', async () => {
    const { latchkey } = open({ clock: systemClock, latchkey: { clockTolerance: 0 } })
    const { reasons } = await watchNew(latchkey, 'alice', 2)
    await latchkey.close()
    await sleep(3000)
    expect(reasons).toEqual([])
  })

  it('is checked again when the feed was lost, and ends only if a missed change ends it', async () => {
    const steered = steer()
    const { latchkey } = open({ store: steered.store, clock: systemClock })
    const alice = await watchNew(latchkey, 'alice')
    const bob = await watchNew(latchkey, 'bob')
    // A change by another process, which the feed never delivers.
    await steered.store.change('alice', () => undefined)
    steered.listeners[0]?.lost()
    steered.listeners[0]?.proved(instantOf(systemClock))
    await expect.poll(() => alice.reasons).toEqual(['token_revoked'])
    expect(bob.reasons).toEqual([])
  })

  it('is checked again when the feed goes silent, and ends when it cannot be verified', async () => {
    const steered = steer()
    const { latchkey } = open({ store: steered.store, clock: systemClock, keys: { maxStaleness: 250 } })
    const { reasons } = await watchNew(latchkey, 'alice')
    await sleep(600)
    expect(reasons).toEqual([])
    steered.setReachable(false)
    await expect.poll(() => reasons).toEqual(['store_unavailable'])
  })

  it('stays watched while the database is unavailable for a moment', async () => {
    const steered = steer()
    const { latchkey } = open({ store: steered.store })
    const { reasons } = await watchNew(latchkey, 'alice')
    steered.setReachable(false)
    steered.listeners[0]?.lost()
    await sleep(100)
    steered.setReachable(true)
    await sleep(1000)
    expect(reasons).toEqual([])
  })

  it('is one of very many without harm', async () => {
    const { latchkey, keys } = open()
    const watches = await Promise.all(Array.from({ length: 3000 }, (_, n) => watchNew(latchkey, `tenant-${n % 100}`)))
    await keys.revoke('tenant-7')
    await expect.poll(() => watches.filter(({ reasons }) => reasons.length > 0)).toHaveLength(30)
  })

  it('must be the identity that verify returned, which shows no token', async () => {
    const { latchkey } = open()
    const { auth, token } = await watchNew(latchkey, 'alice')
    const copy: Auth = { ...auth }
    expect(() => latchkey.watch(copy, () => {})).toThrow(TypeError)
    expect(inspect(auth, { depth: 9, showHidden: true }) + JSON.stringify(auth)).not.toContain(token.slice(-20))
  })
})
