import type { SqlClient } from 'latchkey/sql'
import { type ConditionalChange, runTogether } from '../change-together.js'
import type { Core } from '../core.js'
import {
  type Bucket,
  emptyBucket,
  failed,
  failedByNetwork,
  isAlarming,
  longestMemoryMs,
  needsConfirmation,
  unknownDeviceWaitMs,
  waitMs,
} from '../guess-policy.js'
import { networkOf } from '../ip-address.js'
import type { RequestOrigin } from '../request-origin.js'
import { protectionFailures } from './failures.js'
import * as table from './guess-buckets.js'
import type { Protection } from './protection-keys.js'

/** An attempt at the password of an account. */
export interface Attempt {
  /**
   * The account's ID, or the given address where there is no account: responses must not differ.
   */
  readonly account: string
  /** The network of the client, as `networkOf` returns it. */
  readonly network: string
  /** The device token of the request. */
  readonly device: string | undefined
}

/** Returns the attempt of a request. `device`: the device token of the request. */
export function attemptAt(account: string, { address }: RequestOrigin, device: string | undefined): Attempt {
  return { account, network: networkOf(address), device }
}

/** An admitted attempt. It counts as a failure until its outcome is recorded. */
export interface Admission {
  readonly account: string
  readonly network: string
  /** The device token: that of the request if it is genuine, else a new one. */
  readonly device: string
  /** The bucket in which it was counted. */
  readonly bucket: string
  /** Whether the device has signed in to the account before, or holds a token issued for it. */
  readonly deviceKnown: boolean
  /**
   * Whether the owner must confirm the device: it is unknown, and its bucket has too many failures.
   */
  readonly needsConfirmation: boolean
}

/** An admitted attempt at a code of the second step. It counts as a failure until it is settled. */
export interface CodeAdmission {
  /** The name of the bucket, for `settle`. */
  readonly bucket: string
  /**
   * Whether the bucket has too many consecutive failures (NIST SP 800-63B-4 §3.2.2): then no short
   * code may be compared.
   */
  readonly isExhausted: boolean
  /** Whether the owner is to be informed if the answer is wrong. */
  readonly isAlarming: boolean
}

/** A client that has caused an e-mail to an account. */
export interface Asker {
  /** The name of its bucket: of its device or its network. */
  readonly name: string
  /** Whether that device or that network has signed in to the account before. */
  readonly isKnown: boolean
}

/** A device token for a device that has not signed in yet. */
export interface IssuedDeviceToken {
  readonly token: string
  /** Seconds within which the device must sign in. */
  readonly expiresInSec: number
}

/** An admitted attempt whose password matched. */
type MatchedAttempt = Omit<Admission, 'deviceKnown' | 'needsConfirmation'>

/** An attempt with its buckets, as they were read. */
export interface RecalledAttempt {
  readonly account: string
  readonly network: string
  /** The device token: that of the request if it is genuine, else a new one. */
  readonly token: string
  readonly names: BucketNames
  readonly buckets: ReadonlyMap<string, table.StoredBucket>
  /** The device token of the request, if it is genuine and known to the account. */
  readonly knownDevice: string | undefined
}

/** The buckets of an attempt. */
interface BucketNames {
  readonly device: string
  readonly network: string
  /** The bucket that all unknown devices and networks of the account share. */
  readonly unknown: string
}

const dayMs = 86_400_000
const deviceKnownMs = 180 * dayMs
const networkKnownMs = 90 * dayMs
const issuedTokenMs = dayMs
/** Attempts to update a bucket that other requests change at the same time, before a refusal. */
const maxRaces = 5

/**
 * Limits attempts at the passwords of accounts by the rules of `guess-policy`. The counters are in
 * the database: they survive a restart and hold for all servers. An attempt is counted before the
 * password is compared, so that only one of many simultaneous attempts is admitted.
 */
export class GuessGuard {
  readonly #core: Pick<Core, 'store' | 'keys' | 'clock'>
  readonly #protection: Protection
  #delays = 0

  constructor(core: Pick<Core, 'store' | 'keys' | 'clock'>, protection: Protection) {
    this.#core = core
    this.#protection = protection
  }

  /** The number of attempts that were refused with a delay. */
  get delays(): number {
    return this.#delays
  }

  /** Reads the buckets of an attempt, for `admit`. It counts nothing. */
  async recall({ account, network, device }: Attempt): Promise<RecalledAttempt> {
    const { store, keys, clock } = this.#core
    const { devices } = this.#protection
    await keys.ensureKeys()
    const genuine = devices.recognise(device)
    const token = genuine ?? devices.mint()
    const names = this.#namesOf({ account, network, device: token })
    const buckets = await table.readBuckets(store, Object.values(names))
    const isKnown = (buckets.get(names.device)?.knownUntil ?? 0) > clock.now()
    return { account, network, token, names, buckets, knownDevice: isKnown ? genuine : undefined }
  }

  /**
   * Counts the attempt and admits it. The buckets may have changed since `recall`: the attempt is
   * counted only in the state that was read, or read again.
   *
   * @throws Problem `guess_delayed`
   */
  async admit(recalled: RecalledAttempt): Promise<Admission> {
    const { store, clock } = this.#core
    const { account, network, token, names } = recalled
    for (let race = 0; race < maxRaces; race += 1) {
      const nowMs = clock.now()
      const buckets = race === 0 ? recalled.buckets : await table.readBuckets(store, Object.values(names))
      const isKnown = (name: string) => (buckets.get(name)?.knownUntil ?? 0) > nowMs
      const knownName = [names.device, names.network].find(isKnown)
      const name = knownName ?? names.unknown
      const seen = buckets.get(name)
      const byNetwork = buckets.get(names.network)
      const bucket = seen ?? emptyBucket
      this.#checkWait(
        knownName === undefined ? unknownDeviceWaitMs(bucket, byNetwork ?? emptyBucket, nowMs) : waitMs(bucket, nowMs),
      )
      if (!(await table.replaceBucket(store, name, { seen, next: failed(bucket, nowMs) }))) continue
      if (knownName === undefined) {
        const next = failedByNetwork(byNetwork ?? emptyBucket, nowMs)
        await table.replaceBucket(store, names.network, { seen: byNetwork, next })
      }
      const deviceKnown = isKnown(names.device)
      const unconfirmed = !deviceKnown && needsConfirmation(bucket, nowMs)
      return { account, network, device: token, bucket: name, deviceKnown, needsConfirmation: unconfirmed }
    }
    return this.#delay(1)
  }

  /**
   * Counts an attempt made in a session, in a bucket of that session. Returns its name, for
   * `settle`.
   */
  admitSession(sessionId: string): Promise<string> {
    return this.#admitAlone(this.#protection.names.of('session', sessionId)).then(({ name }) => name)
  }

  /**
   * Counts an attempt made with a mailed link, in one bucket for all links of `holder`: an
   * account's ID, or an address.
   *
   * @returns the name of the bucket, for `settle`
   * @throws Problem `guess_delayed`
   */
  admitLink(holder: string): Promise<string> {
    return this.#admitAlone(this.#protection.names.of('link', holder)).then(({ name }) => name)
  }

  /**
   * Counts an attempt at a code of the second step, whatever the challenge. All unknown devices and
   * networks of an account share one bucket. Those that are known to the account have their own, so
   * that an attacker with the password does not delay the owner.
   *
   * @throws Problem `guess_delayed`
   */
  async admitCode({ account, names, buckets }: RecalledAttempt): Promise<CodeAdmission> {
    const nowMs = this.#core.clock.now()
    const known = [names.device, names.network].find((name) => (buckets.get(name)?.knownUntil ?? 0) > nowMs)
    const parts = known === undefined ? [account] : [account, known]
    const { name, seen } = await this.#admitAlone(this.#protection.names.of('second factor', ...parts))
    return { bucket: name, isExhausted: needsConfirmation(seen, nowMs), isAlarming: isAlarming(seen, nowMs) }
  }

  /** Returns the bucket as it was before the attempt. */
  async #admitAlone(name: string): Promise<{ readonly name: string; readonly seen: Bucket }> {
    const { store, clock } = this.#core
    for (let race = 0; race < maxRaces; race += 1) {
      const nowMs = clock.now()
      const seen = (await table.readBuckets(store, [name])).get(name)
      this.#checkWait(waitMs(seen ?? emptyBucket, nowMs))
      const next = failed(seen ?? emptyBucket, nowMs)
      if (await table.replaceBucket(store, name, { seen, next })) return { name, seen: seen ?? emptyBucket }
    }
    return this.#delay(1)
  }

  /**
   * Compares the password of an attempt that was counted in a bucket of its own, and refunds the
   * attempt unless the password is wrong. It is also refunded if `compare` throws.
   */
  async settle(bucket: string, compare: () => Promise<boolean>): Promise<boolean> {
    const { store } = this.#core
    let matches: boolean
    try {
      matches = await compare()
    } catch (error) {
      await table.refundUncompared(store, bucket)
      throw error
    }
    if (matches) await table.refundMatch(store, bucket)
    return matches
  }

  /**
   * Refunds an attempt that was no wrong guess, for its network as well. `wasRight`: the password
   * matched. Otherwise it was never compared, and earlier failures stay consecutive.
   */
  async refund(
    { account, network, device, bucket }: Admission,
    { wasRight }: { readonly wasRight: boolean },
  ): Promise<void> {
    const { store } = this.#core
    const names = this.#namesOf({ account, network, device })
    const refundOne = wasRight ? table.refundMatch : table.refundUncompared
    await refundOne(store, bucket)
    if (bucket === names.unknown) await refundOne(store, names.network)
  }

  /**
   * Records that the password matched: the device and the network become known to the account, with
   * buckets of their own. In the caller's transaction.
   */
  recordSuccess(client: SqlClient, admission: MatchedAttempt): Promise<void> {
    return runTogether(client, this.#core.store, this.changesOnSuccess(admission))
  }

  /** Returns the changes that `recordSuccess` makes. */
  changesOnSuccess(admission: MatchedAttempt): readonly ConditionalChange[] {
    const names = this.#namesOf(admission)
    const nowMs = this.#core.clock.now()
    // Failures in other buckets than that of the attempt stay.
    const wasUnknown = admission.bucket === names.unknown
    const throughNetwork = wasUnknown || admission.bucket === names.network
    const buckets = [
      { name: names.device, knownUntil: nowMs + deviceKnownMs, resetFailures: true },
      { name: names.network, knownUntil: nowMs + networkKnownMs, resetFailures: throughNetwork },
    ]
    const refunded = wasUnknown ? [table.matchRefunded(names.unknown)] : []
    return [...refunded, ...this.#trusted(buckets, admission.account)]
  }

  /**
   * Makes the device and the network known to a new account, or after the second step of a sign-in,
   * in the caller's transaction.
   *
   * @returns the device token
   */
  async trustFirstDevice(client: SqlClient, { account, network, device }: Attempt): Promise<string> {
    const { devices } = this.#protection
    const token = devices.recognise(device) ?? devices.mint()
    const admission = { account, network, device: token }
    await this.recordSuccess(client, { ...admission, bucket: this.#namesOf(admission).device })
    return token
  }

  /**
   * Resets the failures of this device and this network after the owner has recovered the account,
   * and makes them known to it. In the caller's transaction.
   */
  async resetAfterRecovery(client: SqlClient, { account, network, device }: Attempt): Promise<void> {
    const token = this.#protection.devices.recognise(device) ?? ''
    const names = this.#namesOf({ account, network, device: token })
    const nowMs = this.#core.clock.now()
    const resetFailures = true
    const ofDevice = { name: names.device, knownUntil: nowMs + deviceKnownMs, resetFailures }
    const ofNetwork = { name: names.network, knownUntil: nowMs + networkKnownMs, resetFailures }
    await this.#trust(client, token === '' ? [ofNetwork] : [ofDevice, ofNetwork], account)
  }

  /**
   * Issues a device token with which another device of the owner counts as known for a day, in the
   * caller's transaction.
   */
  async issueDeviceToken(client: SqlClient, account: string): Promise<IssuedDeviceToken> {
    const token = this.#protection.devices.mint()
    await this.#trust(client, [this.#bucketFor(token, account)], account)
    return { token, expiresInSec: issuedTokenMs / 1000 }
  }

  /**
   * Returns the name of the device's bucket at an account; `undefined` for a token of another
   * issuer.
   */
  nameOfDevice(device: string | undefined, account: string): string | undefined {
    const token = this.#protection.devices.recognise(device)
    return token === undefined ? undefined : this.#protection.names.of('device', token, account)
  }

  /**
   * Returns under which name an e-mail that this client has caused is counted, so that others do
   * not use up the e-mails of the owner. In the caller's transaction.
   */
  async askerOf(client: SqlClient, { account, network, device }: Attempt): Promise<Asker> {
    const token = this.#protection.devices.recognise(device) ?? ''
    const names = this.#namesOf({ account, network, device: token })
    const buckets = await table.readBuckets(client, [names.device, names.network])
    const nowMs = this.#core.clock.now()
    const known = [names.device, names.network].find((name) => (buckets.get(name)?.knownUntil ?? 0) > nowMs)
    return { name: known ?? names.network, isKnown: known !== undefined }
  }

  /**
   * Makes a device that the owner has confirmed by mail known for a day, in the caller's
   * transaction.
   */
  async confirm(client: SqlClient, { account, device }: Pick<Attempt, 'account' | 'device'>): Promise<void> {
    const token = this.#protection.devices.recognise(device)
    if (token !== undefined) await this.#trust(client, [this.#bucketFor(token, account)], account)
  }

  /** Makes every device and every network unknown to the account, in the caller's transaction. */
  forgetDevices(client: SqlClient, account: string): Promise<void> {
    return table.forgetDevices(client, this.#protection.names.of('account', account))
  }

  /** Deletes buckets that have no effect. */
  prune(): Promise<void> {
    const nowMs = this.#core.clock.now()
    return table.pruneBuckets(this.#core.store, { before: nowMs - longestMemoryMs, nowMs })
  }

  #bucketFor(token: string, account: string): table.TrustedBucket {
    const knownUntil = this.#core.clock.now() + issuedTokenMs
    return { name: this.#protection.names.of('device', token, account), knownUntil, resetFailures: true }
  }

  #trust(client: SqlClient, buckets: readonly table.TrustedBucket[], account: string): Promise<void> {
    return runTogether(client, this.#core.store, this.#trusted(buckets, account))
  }

  #trusted(buckets: readonly table.TrustedBucket[], account: string): ConditionalChange[] {
    const owner = { account: this.#protection.names.of('account', account), nowMs: this.#core.clock.now() }
    return buckets.map((bucket) => table.bucketTrusted(bucket, owner))
  }

  #namesOf({ account, network, device }: Pick<Admission, 'account' | 'network' | 'device'>): BucketNames {
    const { names } = this.#protection
    return {
      device: names.of('device', device, account),
      network: names.of('network', network, account),
      // The label is part of stored names and never changes.
      unknown: names.of('strangers', account),
    }
  }

  #checkWait(remainingMs: number): void {
    if (remainingMs > 0) this.#delay(Math.ceil(remainingMs / 1000))
  }

  #delay(retryAfterSec: number): never {
    this.#delays += 1
    throw protectionFailures.refusal('guess_delayed', { retryAfterSec })
  }
}
