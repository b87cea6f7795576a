import type { SqlStore } from 'latchkey/sql'
import type { AuditTrail } from '../audit/audit-trail.js'
import type { Outbox } from '../mail/outbox.js'
import { Problem } from '../problem.js'
import type { Admission, GuessGuard } from '../protection/guess-guard.js'
import type { RequestOrigin } from '../request-origin.js'
import * as table from './account-table.js'
import type { OneTimeTokens } from './one-time-tokens.js'

/** Options of `DeviceConfirmation`. */
export interface DeviceConfirmationOptions {
  readonly store: SqlStore
  readonly guesses: GuessGuard
  readonly tokens: OneTimeTokens
  readonly outbox: Outbox
  readonly audit: AuditTrail
}

/** A login whose password was compared. */
export interface ComparedLogin {
  /** Canonical. */
  readonly email: string
  /** The account with this address; `undefined` where there is none. */
  readonly account: table.Account | undefined
  readonly passwordMatches: boolean
  readonly admission: Admission
}

/**
 * The link by which the owner of an account lets an unknown device in after many wrong passwords (`needsConfirmation` in
 * `guess-policy`). Devices that have signed in before never need it.
 */
export class DeviceConfirmation {
  readonly #options: DeviceConfirmationOptions

  constructor(options: DeviceConfirmationOptions) {
    this.#options = options
  }

  /**
   * Fails with `device_confirmation_required` where the device must be confirmed first. The answer and the work are the same for a
   * right password, a wrong one, and an address without an account; only with the right one a letter is sent. Without mail, and for
   * an owner whose address is not verified, there is no letter: the delays stay the only protection.
   */
  async require({ email, account, passwordMatches, admission }: ComparedLogin, origin: RequestOrigin): Promise<void> {
    const { store, outbox, guesses, audit } = this.#options
    if (!admission.needsConfirmation || !outbox.served) return
    if (passwordMatches && account?.emailVerifiedAt === null) return
    const device = guesses.nameOfDevice(admission.device, admission.account) ?? ''
    const { address } = origin
    await outbox.add(store, {
      kind: 'ask_device',
      to: email,
      account: account?.id ?? null,
      device,
      granted: passwordMatches,
      origin: address,
    })
    const refused = { event: 'login', outcome: 'refused', actor: null, account: account?.id ?? null, address } as const
    await audit.append(store, refused)
    throw new Problem('device_confirmation_required', { deviceToken: admission.device })
  }

  /**
   * Makes a device known by the link that its login has caused. The caller must be that device, so that a click on the link elsewhere
   * lets no stranger in. Fails with `link_invalid`, `device_mismatch`, `account_disabled`.
   */
  async confirm(token: string, origin: RequestOrigin, device?: string): Promise<void> {
    const { store, guesses, tokens, audit } = this.#options
    const { accountId, data } = await tokens.find(token, 'confirm_device')
    if (accountId === null) throw new Problem('link_invalid')
    if (guesses.nameOfDevice(device, accountId) !== data.device) throw new Problem('device_mismatch')
    await store.transaction(async (client) => {
      // The account before its link, as everywhere.
      const account = await table.lockAccount(client, accountId)
      await tokens.redeem(client, token, 'confirm_device')
      if (account?.email !== data.email) throw new Problem('link_invalid')
      if (account.disabledAt !== null) throw new Problem('account_disabled')
      await guesses.confirm(client, { account: accountId, device })
      const { address } = origin
      const done = { event: 'device_confirm', outcome: 'done', actor: accountId, account: accountId, address } as const
      await audit.append(client, done)
    })
  }
}
