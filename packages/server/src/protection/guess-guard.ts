import type { Clock } from 'latchkey'
import type { SqlClient, SqlStore } from 'latchkey/sql'
import {
  emptyBucket,
  failed,
  failedByNetwork,
  longestMemoryMs,
  needsConfirmation,
  strangerWaitMs,
  waitMs,
} from '../guess-policy.js'
import { networkOf } from '../ip-address.js'
import { Problem } from '../problem.js'
import type { RequestOrigin } from '../request-origin.js'
import type { DeviceTokens } from './device-tokens.js'
import * as table from './guess-buckets.js'
import type { KeyedHash } from './keyed-hash.js'

/** Somebody who wants to try a password. */
export interface Attempt {
  /** The account's ID, or what was given as its name where there is none: no answer may tell the two apart. */
  readonly account: string
  /** Where the attempt comes from, as `networkOf` says. */
  readonly network: string
  /** The device token that came along. */
  readonly device: string | undefined
}

/** The attempt that this request makes. `device`: the device token that came along. */
export function attemptAt(account: string, { address }: RequestOrigin, device: string | undefined): Attempt {
  return { account, network: networkOf(address), device }
}

/** An attempt that may be made, and is counted as a failure until it turns out to be none. */
export interface Admission {
  readonly account: string
  readonly network: string
  /** The device's token: the one that came along, or a new one. */
  readonly device: string
  /** The bucket in which it was counted. */
  readonly bucket: string
  /** Whether the device has signed in to the account before, or was vouched for. */
  readonly deviceKnown: boolean
  /** Whether the password alone does not suffice: the device is unknown, and too much has failed in its bucket. */
  readonly needsConfirmation: boolean
}

/** A device token for a device that has not signed in yet. */
export interface VouchedDevice {
  readonly token: string
  /** Seconds within which it must sign in. */
  readonly expiresInSec: number
}

/** What `GuessGuard` works with. */
export interface GuessGuardOptions {
  readonly store: SqlStore
  readonly names: Pick<KeyedHash, 'of'>
  readonly devices: Pick<DeviceTokens, 'mint' | 'recognise'>
  /** Resolves once the keys of names and devices are known as they are now. */
  readonly ensureKeys: () => Promise<void> | undefined
  readonly clock: Clock
}

/** The buckets that an attempt could be counted in. */
interface BucketNames {
  readonly device: string
  readonly network: string
  readonly strangers: string
}

const dayMs = 86_400_000
const deviceKnownMs = 180 * dayMs
const networkKnownMs = 90 * dayMs
const vouchedForMs = dayMs
/** Times that an attempt may find its bucket changed by another one before it is told to come again. */
const maxRaces = 5

/**
 * Decides who may try a password at an account, by the rules of `guess-policy`. The counters are in the database: they outlive a restart and hold for all
 * servers. An attempt is counted before the password is looked at, so that a thousand at once are one.
 */
export class GuessGuard {
  readonly #options: GuessGuardOptions
  #delays = 0

  constructor(options: GuessGuardOptions) {
    this.#options = options
  }

  /** How many attempts were told to wait. */
  get delays(): number {
    return this.#delays
  }

  /** Counts the attempt and lets it be made, or fails with `guess_delayed`. */
  async admit({ account, network, device }: Attempt): Promise<Admission> {
    const { store, clock, devices, ensureKeys } = this.#options
    await ensureKeys()
    const token = devices.recognise(device) ?? devices.mint()
    const names = this.#namesOf({ account, network, device: token })
    for (let race = 0; race < maxRaces; race += 1) {
      const nowMs = clock.now()
      const buckets = await table.readBuckets(store, [names.device, names.network, names.strangers])
      const isKnown = (name: string) => (buckets.get(name)?.knownUntil ?? 0) > nowMs
      const own = [names.device, names.network].find(isKnown)
      const name = own ?? names.strangers
      const seen = buckets.get(name)
      const byNetwork = buckets.get(names.network)
      const bucket = seen ?? emptyBucket
      this.#checkOpen(
        own === undefined ? strangerWaitMs(bucket, byNetwork ?? emptyBucket, nowMs) : waitMs(bucket, nowMs),
      )
      if (!(await table.replaceBucket(store, name, { seen, next: failed(bucket, nowMs) }))) continue
      if (own === undefined) {
        const next = failedByNetwork(byNetwork ?? emptyBucket, nowMs)
        await table.replaceBucket(store, names.network, { seen: byNetwork, next })
      }
      const deviceKnown = isKnown(names.device)
      const unproven = !deviceKnown && needsConfirmation(bucket, nowMs)
      return { account, network, device: token, bucket: name, deviceKnown, needsConfirmation: unproven }
    }
    return this.#delay(1)
  }

  /** Counts an attempt of somebody who is signed in already, in a bucket of that session alone. Returns its name, for `settle`. */
  admitSession(sessionId: string): Promise<string> {
    return this.#admitAlone(this.#options.names.of('session', sessionId))
  }

  /**
   * Counts an attempt of a reader of the mailbox that a link was mailed to, in a bucket of all links for `holder`: an account's ID, or an
   * address. Returns its name, for `settle`. Fails with `guess_delayed`.
   */
  admitLink(holder: string): Promise<string> {
    return this.#admitAlone(this.#options.names.of('link', holder))
  }

  async #admitAlone(name: string): Promise<string> {
    const { store, clock } = this.#options
    for (let race = 0; race < maxRaces; race += 1) {
      const nowMs = clock.now()
      const seen = (await table.readBuckets(store, [name])).get(name)
      this.#checkOpen(waitMs(seen ?? emptyBucket, nowMs))
      if (await table.replaceBucket(store, name, { seen, next: failed(seen ?? emptyBucket, nowMs) })) return name
    }
    return this.#delay(1)
  }

  /**
   * Compares the password of an attempt that was counted in a bucket of its own, and takes the attempt
   * back unless the password is wrong: also where `compare` fails, so that nothing was compared.
   */
  async settle(bucket: string, compare: () => Promise<boolean>): Promise<boolean> {
    const { store } = this.#options
    let matches: boolean
    try {
      matches = await compare()
    } catch (error) {
      await table.refundOne(store, bucket)
      throw error
    }
    if (matches) await table.forgiveOne(store, bucket)
    return matches
  }

  /**
   * Takes an attempt back that was no wrong guess, with what was counted for its network. `wasRight`:
   * its password was right; otherwise it was never compared, and failures before it stay consecutive.
   */
  async takeBack(
    { account, network, device, bucket }: Admission,
    { wasRight }: { readonly wasRight: boolean },
  ): Promise<void> {
    const { store } = this.#options
    const names = this.#namesOf({ account, network, device })
    const takeOne = wasRight ? table.forgiveOne : table.refundOne
    await takeOne(store, bucket)
    if (bucket === names.strangers) await takeOne(store, names.network)
  }

  /** Resolves to the attempt's device token if it is genuine and the account knows the device, else to `undefined`. */
  async knownDevice({ account, network, device }: Attempt): Promise<string | undefined> {
    const { store, clock, devices } = this.#options
    const token = devices.recognise(device)
    if (token === undefined) return undefined
    const name = this.#namesOf({ account, network, device: token }).device
    const bucket = (await table.readBuckets(store, [name])).get(name)
    return (bucket?.knownUntil ?? 0) > clock.now() ? token : undefined
  }

  /** The attempt was right: from now on its device and its network have buckets of their own. In the caller's transaction. */
  async welcome(client: SqlClient, admission: Omit<Admission, 'deviceKnown' | 'needsConfirmation'>): Promise<void> {
    const names = this.#namesOf(admission)
    const nowMs = this.#options.clock.now()
    // What failed in another bucket than the attempt's own was not forgiven by anybody.
    const stranger = admission.bucket === names.strangers
    const throughNetwork = stranger || admission.bucket === names.network
    if (stranger) await table.forgiveOne(client, names.strangers)
    const openings = [
      { name: names.device, knownUntil: nowMs + deviceKnownMs, forgive: true },
      { name: names.network, knownUntil: nowMs + networkKnownMs, forgive: throughNetwork },
    ]
    await this.#open(client, openings, admission.account)
  }

  /** Makes device and network known to an account that was just made; gives the device's token. In the caller's transaction. */
  async introduce(client: SqlClient, { account, network, device }: Attempt): Promise<string> {
    const { devices } = this.#options
    const token = devices.recognise(device) ?? devices.mint()
    const admission = { account, network, device: token }
    await this.welcome(client, { ...admission, bucket: this.#namesOf(admission).device })
    return token
  }

  /** The owner has shown in another way who it is: what has failed from this device and this network is forgotten. In the caller's transaction. */
  async readmit(client: SqlClient, { account, network, device }: Attempt): Promise<void> {
    const token = this.#options.devices.recognise(device) ?? ''
    const names = this.#namesOf({ account, network, device: token })
    const nowMs = this.#options.clock.now()
    const forgive = true
    const ofDevice = { name: names.device, knownUntil: nowMs + deviceKnownMs, forgive }
    const ofNetwork = { name: names.network, knownUntil: nowMs + networkKnownMs, forgive }
    await this.#open(client, token === '' ? [ofNetwork] : [ofDevice, ofNetwork], account)
  }

  /** A token for a device that the account's owner wants to sign in with: no stranger, if it does so soon. In the caller's transaction. */
  async vouch(client: SqlClient, account: string): Promise<VouchedDevice> {
    const token = this.#options.devices.mint()
    await this.#open(client, [this.#openingFor(token, account)], account)
    return { token, expiresInSec: vouchedForMs / 1000 }
  }

  /** The name under which a device token stands for a device at an account; `undefined` where the token was not made here. */
  nameOfDevice(device: string | undefined, account: string): string | undefined {
    const token = this.#options.devices.recognise(device)
    return token === undefined ? undefined : this.#options.names.of('device', token, account)
  }

  /** Makes a device known whose owner has confirmed it by mail, if it signs in soon. In the caller's transaction. */
  async confirm(client: SqlClient, { account, device }: Pick<Attempt, 'account' | 'device'>): Promise<void> {
    const token = this.#options.devices.recognise(device)
    if (token !== undefined) await this.#open(client, [this.#openingFor(token, account)], account)
  }

  /** Makes every device and every network unknown to the account that has signed in to it. In the caller's transaction. */
  forgetDevices(client: SqlClient, account: string): Promise<void> {
    return table.closeLanes(client, this.#options.names.of('account', account))
  }

  /** Deletes what is no longer needed. */
  prune(): Promise<void> {
    const nowMs = this.#options.clock.now()
    return table.pruneLanes(this.#options.store, { before: nowMs - longestMemoryMs, nowMs })
  }

  #openingFor(token: string, account: string): table.Opening {
    const knownUntil = this.#options.clock.now() + vouchedForMs
    return { name: this.#options.names.of('device', token, account), knownUntil, forgive: true }
  }

  #open(client: SqlClient, openings: readonly table.Opening[], account: string): Promise<void> {
    const { names, clock } = this.#options
    return table.openLanes(client, openings, { account: names.of('account', account), nowMs: clock.now() })
  }

  #namesOf({ account, network, device }: Pick<Admission, 'account' | 'network' | 'device'>): BucketNames {
    const { names } = this.#options
    return {
      device: names.of('device', device, account),
      network: names.of('network', network, account),
      strangers: names.of('strangers', account),
    }
  }

  #checkOpen(wait: number): void {
    if (wait > 0) this.#delay(Math.ceil(wait / 1000))
  }

  #delay(retryAfterSec: number): never {
    this.#delays += 1
    throw new Problem('guess_delayed', { retryAfterSec })
  }
}
