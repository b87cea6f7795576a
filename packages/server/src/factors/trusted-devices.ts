import type { SqlClient } from 'latchkey/sql'
import type { Configuration } from '../config/configuration.js'
import type { Core } from '../core.js'
import { skipLocked } from '../row-locks.js'

/** A device on which an account signs in without its second factor. */
export interface TrustedDevice {
  /** The name of the bucket of the device at this account (`GuessGuard.nameOfDevice`). */
  readonly name: string
  readonly accountId: string
  readonly userAgent: string | null
  /** Milliseconds since 1970. */
  readonly createdAt: number
  readonly expiresAt: number
}

type DeviceKey = Pick<TrustedDevice, 'name' | 'accountId'>

const columns =
  'name, account_id as "accountId", user_agent as "userAgent", created_at as "createdAt", expires_at as "expiresAt"'

/**
 * Devices that have completed the second step of a sign-in and are trusted for a time. A device is
 * identified by its device token, so that the trust ends with the key of device tokens.
 */
export class TrustedDevices {
  readonly #core: Pick<Core, 'store' | 'clock'>
  readonly #settings: Pick<Configuration, 'trustedDeviceTtlSec'>

  constructor(core: Pick<Core, 'store' | 'clock'>, settings: Pick<Configuration, 'trustedDeviceTtlSec'>) {
    this.#core = core
    this.#settings = settings
  }

  /** Whether devices may be trusted. */
  get isEnabled(): boolean {
    return this.#ttlMs > 0
  }

  /** Trusts a device, in the caller's transaction, which has locked the account. */
  async trust(
    client: SqlClient,
    { name, accountId, userAgent }: DeviceKey & Pick<TrustedDevice, 'userAgent'>,
  ): Promise<void> {
    const nowMs = this.#core.clock.now()
    await client.query(
      `insert into server_trusted_devices (name, account_id, user_agent, created_at, expires_at)
       values ($1, $2, $3, $4, $5)
       on conflict (name) do update
         set user_agent = excluded.user_agent, created_at = excluded.created_at, expires_at = excluded.expires_at`,
      [name, accountId, userAgent, nowMs, nowMs + this.#ttlMs],
    )
  }

  /** Returns whether the device is trusted. A shorter setting also holds for earlier trust. */
  async isTrusted(client: SqlClient, { name, accountId }: DeviceKey): Promise<boolean> {
    if (!this.isEnabled) return false
    const { rows } = await client.query(
      `select name from server_trusted_devices
       where name = $1 and account_id = $2 and expires_at > $3 and created_at > $4`,
      [name, accountId, ...this.#bounds()],
    )
    return rows.length === 1
  }

  /** Returns the trusted devices of the account, newest first. */
  async list(client: SqlClient, accountId: string): Promise<TrustedDevice[]> {
    if (!this.isEnabled) return []
    const { rows } = await client.query<TrustedDevice>(
      `select ${columns} from server_trusted_devices
       where account_id = $1 and expires_at > $2 and created_at > $3 order by created_at desc, name`,
      [accountId, ...this.#bounds()],
    )
    return rows
  }

  /** Ends the trust in one device; returns `false` if the account does not trust it. */
  async revoke(client: SqlClient, { name, accountId }: DeviceKey): Promise<boolean> {
    const { rows } = await client.query(
      'delete from server_trusted_devices where name = $1 and account_id = $2 returning name',
      [name, accountId],
    )
    return rows.length === 1
  }

  /** Ends the trust in all devices of the account, in the caller's transaction. */
  async revokeAll(client: SqlClient, accountId: string): Promise<void> {
    await client.query('delete from server_trusted_devices where account_id = $1', [accountId])
  }

  /** Deletes devices whose trust has expired. */
  async prune(): Promise<void> {
    const { store, clock } = this.#core
    await store.query(
      `delete from server_trusted_devices where name in (
         select name from server_trusted_devices where expires_at <= $1 ${skipLocked(store)})`,
      [clock.now()],
    )
  }

  get #ttlMs(): number {
    return this.#settings.trustedDeviceTtlSec * 1000
  }

  /** Returns the time that the trust must outlast, and the one that it must have begun after. */
  #bounds(): readonly [number, number] {
    const nowMs = this.#core.clock.now()
    return [nowMs, nowMs - this.#ttlMs]
  }
}

/** Ends the trust in all devices of all accounts. */
export async function revokeAllTrust(client: SqlClient): Promise<void> {
  await client.query('delete from server_trusted_devices')
}
