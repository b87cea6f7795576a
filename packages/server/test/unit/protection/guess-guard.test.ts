import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { tenantSecrets } from 'latchkey'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type OpenDatabase, openDatabase } from '../../../src/database/open-database.js'
import { DeviceTokens } from '../../../src/protection/device-tokens.js'
import { type Attempt, GuessGuard } from '../../../src/protection/guess-guard.js'
import { KeyedHash } from '../../../src/protection/keyed-hash.js'
import { createShiftingClock } from '../../support/shifting-clock.js'

const minuteMs = 60_000
const limit = 100

/**
 * An event at an account. Devices and networks are numbers; each failure of an unknown device comes
 * from a new network.
 */
type Step =
  | { readonly kind: 'failures'; readonly count: number }
  | { readonly kind: 'login'; readonly device: number; readonly network: number; readonly right: boolean }
  | { readonly kind: 'confirm'; readonly device: number }
  | { readonly kind: 'takeover' }

const number = fc.nat({ max: 2 })
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('failures' as const), count: fc.integer({ min: 1, max: 70 }) }),
  fc.record({ kind: fc.constant('login' as const), device: number, network: number, right: fc.boolean() }),
  fc.record({ kind: fc.constant('confirm' as const), device: number }),
  fc.constant({ kind: 'takeover' as const }),
)

describe('the confirmation of a device', () => {
  const clock = createShiftingClock()
  const names = new KeyedHash(new Uint8Array(32))
  let folder: string
  let database: OpenDatabase
  let guard: GuessGuard
  let accounts = 0

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'latchkey-guesses-'))
    database = await openDatabase({ kind: 'embedded', folder, masterKeys: undefined })
    const { store, masterKeys } = database
    const keys = tenantSecrets({ store, masterKeys, clock })
    guard = new GuessGuard({ store, keys, clock }, { names, devices: new DeviceTokens(new Uint8Array(32).fill(1)) })
  })
  afterAll(async () => {
    await database.store.close()
    await rm(folder, { recursive: true })
  })

  const admit = async (attempt: Attempt) => guard.admit(await guard.recall(attempt))

  it('depends on the consecutive failures of unknown devices and of each network, and never concerns a known device', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
        accounts += 1
        const account = `account ${accounts}`
        const store = database.store
        const devices = await Promise.all(
          [0, 1, 2].map(async () => (await guard.issueDeviceToken(store, 'no account')).token),
        )
        // The model: consecutive failures by bucket, and the known devices and networks.
        const misses = new Map<string, number>()
        const known = new Set<string>()
        let unknownDevices = 0
        const attempt = async (device: string | undefined, network: string) => {
          // Longer than every delay, except for a network that has failed often.
          clock.advance(21 * minuteMs)
          const isKnown = device !== undefined && known.has(device)
          const bucket = isKnown ? device : known.has(network) ? network : 'strangers'
          const before = misses.get(bucket) ?? 0
          const admission = await admit({ account, network, device }).catch(() => undefined)
          if (admission === undefined) return undefined
          expect(admission.needsConfirmation).toBe(!isKnown && before >= limit)
          misses.set(bucket, before + 1)
          if (bucket === 'strangers') misses.set(network, (misses.get(network) ?? 0) + 1)
          return { admission, bucket }
        }
        for (const action of steps) {
          if (action.kind === 'failures') {
            unknownDevices += 1
            await attempt(undefined, `network of unknown device ${unknownDevices}`)
            // The rest of the failures are written at once, without their delays.
            const others = action.count - 1
            await store.query('update server_guess_lanes set misses = misses + $1 where name = $2', [
              others,
              names.of('strangers', account),
            ])
            misses.set('strangers', (misses.get('strangers') ?? 0) + others)
          } else if (action.kind === 'login') {
            const device = devices[action.device]
            const network = `network ${action.network}`
            const admitted = await attempt(device, network)
            const succeeds = action.right && admitted?.admission.needsConfirmation === false
            if (admitted === undefined || !succeeds || device === undefined) continue
            await guard.recordSuccess(store, admitted.admission)
            misses.set(admitted.bucket, 0)
            misses.set(device, 0)
            if (admitted.bucket !== device) misses.set(network, 0)
            known.add(device).add(network)
          } else if (action.kind === 'confirm') {
            const device = devices[action.device]
            if (device === undefined) continue
            await guard.confirm(store, { account, device })
            misses.set(device, 0)
            known.add(device)
            const admitted = await attempt(device, 'network of a traveller')
            if (admitted === undefined) continue
            expect(admitted.admission.needsConfirmation).toBe(false)
            await guard.recordSuccess(store, { ...admitted.admission })
            misses.set(device, 0)
            known.add('network of a traveller')
          } else {
            await guard.forgetDevices(store, account)
            known.clear()
          }
        }
      }),
      { numRuns: 30 },
    )
  })

  it('is decided separately for each account', async () => {
    const device = (await guard.issueDeviceToken(database.store, 'one')).token
    expect(guard.nameOfDevice(device, 'one')).not.toBe(guard.nameOfDevice(device, 'other'))
    expect(guard.nameOfDevice('A'.repeat(43), 'one')).toBeUndefined()
  })

  it('is not needed any more after 30 days without a failure', async () => {
    const account = 'forgotten'
    await admit({ account, network: 'first', device: undefined })
    await database.store.query('update server_guess_lanes set misses = $1 where name = $2', [
      limit,
      names.of('strangers', account),
    ])
    clock.advance(21 * minuteMs)
    expect((await admit({ account, network: 'fresh', device: undefined })).needsConfirmation).toBe(true)
    clock.advance(30 * 24 * 60 * minuteMs)
    expect((await admit({ account, network: 'fresher', device: undefined })).needsConfirmation).toBe(false)
  })

  it('does not depend on attempts whose passwords were never compared', async () => {
    const attempt = { account: 'attacked', network: 'network', device: undefined }
    for (let tried = 0; tried < limit; tried += 1) {
      clock.advance(21 * minuteMs)
      await admit({ ...attempt, network: `network ${tried}` })
    }
    clock.advance(21 * minuteMs)
    await guard.refund(await admit(attempt), { wasRight: false })
    clock.advance(21 * minuteMs)
    const again = await admit(attempt)
    expect(again.needsConfirmation).toBe(true)
    // A right password ends the consecutive failures.
    await guard.refund(again, { wasRight: true })
    clock.advance(21 * minuteMs)
    expect((await admit(attempt)).needsConfirmation).toBe(false)
  })

  it('counts no attempt by a link unless its password is wrong', async () => {
    const attempt = async (compare: () => Promise<boolean>) => guard.settle(await guard.admitLink('a holder'), compare)
    const failing = async () => Promise.reject(new Error('The queue is full.'))
    for (let tried = 0; tried < 8; tried += 1) await expect(attempt(failing)).rejects.toThrow('The queue is full.')
    for (let tried = 0; tried < 8; tried += 1) expect(await attempt(async () => true)).toBe(true)
    for (let tried = 0; tried < 5; tried += 1) expect(await attempt(async () => false)).toBe(false)
    await expect(attempt(async () => true)).rejects.toMatchObject({ code: 'guess_delayed' })
  })
})
