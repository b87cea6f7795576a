import type { Core } from '../core.js'
import type { Outbox } from '../mail/outbox.js'
import type { Messages } from '../messages/messages.js'
import type { Admission, GuessGuard } from '../protection/guess-guard.js'
import type { RequestOrigin } from '../request-origin.js'
import * as table from './account-table.js'
import { accountFailures } from './failures.js'
import type { OneTimeTokens } from './one-time-tokens.js'

interface Dependencies {
  readonly guesses: GuessGuard
  readonly oneTimeTokens: OneTimeTokens
  readonly outbox: Outbox
  readonly messages: Messages
}

/** A login whose password was compared with the stored hash. */
export interface ComparedLogin {
  /** Canonical. */
  readonly email: string
  /** The account with this address; `undefined` if there is none. */
  readonly account: table.Account | undefined
  readonly passwordMatches: boolean
  readonly admission: Admission
}

/**
 * Confirmation of an unknown device by a mailed link after many wrong passwords
 * (`needsConfirmation` in `guess-policy`). Devices that have signed in before never need it.
 */
export class DeviceConfirmation {
  readonly #core: Core
  readonly #dependencies: Dependencies

  constructor(core: Core, dependencies: Dependencies) {
    this.#core = core
    this.#dependencies = dependencies
  }

  /**
   * Throws `device_confirmation_required` if the device must be confirmed first. The answer and the
   * work are the same for a right password, a wrong one, and an address without an account. Only
   * the right password causes an e-mail. If mail is not configured, or if the address is not
   * verified, no e-mail is possible, and delays are the only protection.
   */
  async require({ email, account, passwordMatches, admission }: ComparedLogin, origin: RequestOrigin): Promise<void> {
    const { store, audit } = this.#core
    const { outbox, guesses, messages } = this.#dependencies
    if (!admission.needsConfirmation || !outbox.enabled) return
    if (passwordMatches && account?.emailVerifiedAt === null) return
    const device = guesses.nameOfDevice(admission.device, admission.account) ?? ''
    const { address, acceptLanguage } = origin
    await outbox.add(store, {
      kind: 'ask_device',
      to: email,
      account: account?.id ?? null,
      device,
      granted: passwordMatches,
      origin: address,
      locale: messages.requested(acceptLanguage),
    })
    await audit.refused(store, 'login', { accountId: null, address }, { account: account?.id ?? null })
    throw accountFailures.refusal('device_confirmation_required', { extensions: { device_token: admission.device } })
  }

  /**
   * Confirms a device by the link that its login has caused. The caller must be that device, so
   * that a link opened elsewhere does not confirm the device of an attacker.
   *
   * @throws Problem `link_invalid`, `device_mismatch`, `account_disabled`
   */
  async confirm(token: string, origin: RequestOrigin, device?: string): Promise<void> {
    const { store, audit } = this.#core
    const { guesses, oneTimeTokens } = this.#dependencies
    const { accountId, data } = await oneTimeTokens.find(token, 'confirm_device')
    if (accountId === null) throw accountFailures.refusal('link_invalid')
    if (guesses.nameOfDevice(device, accountId) !== data.device) throw accountFailures.refusal('device_mismatch')
    await store.transaction(async (client) => {
      // Same lock order as everywhere: the account before its link.
      const account = await table.lockAccount(client, accountId)
      await oneTimeTokens.redeem(client, token, 'confirm_device')
      if (account?.email !== data.email) throw accountFailures.refusal('link_invalid')
      if (account.disabledAt !== null) throw accountFailures.refusal('account_disabled')
      await guesses.confirm(client, { account: accountId, device })
      await audit.done(client, 'device_confirm', { accountId, address: origin.address })
    })
  }
}
