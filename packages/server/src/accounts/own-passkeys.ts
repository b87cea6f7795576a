import { LatchkeyError } from 'latchkey'
import type { Core } from '../core.js'
import { deviceName } from '../device-name.js'
import type { Challenges } from '../factors/challenges.js'
import { factorFailures } from '../factors/failures.js'
import type { AssertionOptions, BegunCeremony, Passkeys, RegistrationOptions } from '../factors/passkeys.js'
import type { NewPasskey, VerifiedPasskey } from '../factors/webauthn.js'
import { isProblem } from '../problem.js'
import type { RequestOrigin } from '../request-origin.js'
import type { Acting, Actors } from '../sessions/actors.js'
import * as table from './account-table.js'
import type { FactorChange, FactorChanges, NewFactor } from './factor-changes.js'
import type { RecentAuthentication } from './recent-authentication.js'

interface Dependencies {
  readonly actors: Actors
  readonly challenges: Challenges
  readonly passkeys: Passkeys
  readonly recentAuthentication: RecentAuthentication
  readonly factorChanges: FactorChanges
}

/** The answer of an authenticator that has made a passkey. */
export interface AddedPasskey {
  readonly challengeToken: string
  readonly passkey: NewPasskey
  /** The name in the list of factors. @defaultValue the browser and the system of the request */
  readonly name?: string | undefined
}

/** Adds passkeys to the account of a session, and asks for those that it has. */
export class OwnPasskeys {
  readonly #core: Core
  readonly #dependencies: Dependencies

  constructor(core: Core, dependencies: Dependencies) {
    this.#core = core
    this.#dependencies = dependencies
  }

  /**
   * Issues a challenge for a new passkey. It is bound to the session.
   *
   * @throws Problem as `RecentAuthentication.check`
   */
  async begin(acting: Acting): Promise<BegunCeremony<RegistrationOptions>> {
    const { store } = this.#core
    const { recentAuthentication, passkeys } = this.#dependencies
    // Checked again when the passkey is added. Here it only refuses before the user makes one.
    await recentAuthentication.check(store, acting)
    const account = await table.findAccount(store, acting.accountId)
    if (account === undefined) throw new LatchkeyError('token_revoked')
    return passkeys.beginRegistration(store, account, acting.sessionId)
  }

  /** Issues a challenge that one of the account's passkeys signs, to authenticate again. */
  beginStepUp({ accountId, sessionId }: Acting): Promise<BegunCeremony<AssertionOptions>> {
    return this.#dependencies.passkeys.begin(this.#core.store, 'passkey_step_up', { accountId, sessionId })
  }

  /**
   * Adds the passkey that answers a challenge of this session. A challenge is used up by its first
   * answer, right or wrong.
   *
   * @throws Problem `challenge_invalid`, `passkey_refused`, `passkey_taken`, `factor_limit`, and as
   * `RecentAuthentication.check`
   */
  async add(added: AddedPasskey, change: FactorChange): Promise<NewFactor> {
    const { audit } = this.#core
    const { acting, origin } = change
    try {
      const verified = await this.#check(acting, added)
      return await this.#store(change, { ...verified, name: added.name ?? defaultNameAt(origin) })
    } catch (error) {
      if (isProblem(error)) {
        const actor = { ...acting, address: origin.address }
        await audit.countRefused('factor_add', actor, { detail: { reason: error.code } })
      }
      throw error
    }
  }

  async #check({ accountId, sessionId }: Acting, { challengeToken, passkey }: AddedPasskey): Promise<VerifiedPasskey> {
    const { challenges, passkeys } = this.#dependencies
    const challenge = await challenges.redeem(this.#core.store, challengeToken, 'passkey_add')
    const isOwn = challenge.accountId === accountId && challenge.sessionId === sessionId
    if (!isOwn) throw factorFailures.refusal('challenge_invalid')
    return passkeys.checkRegistration(challenge.data.challenge, passkey)
  }

  #store(
    { acting, origin, endOtherSessions }: FactorChange,
    { name, ...verified }: VerifiedPasskey & { name: string },
  ) {
    const { actors, recentAuthentication, passkeys, factorChanges } = this.#dependencies
    const { accountId } = acting
    return this.#core.store.transaction(async (client): Promise<NewFactor> => {
      await actors.lock(client, acting)
      await recentAuthentication.check(client, acting)
      const factor = await passkeys.add(client, verified, { accountId, name })
      const recoveryCodes = await factorChanges.added(client, factor, { acting, origin, endOtherSessions })
      return recoveryCodes === undefined ? { factor } : { factor, recoveryCodes }
    })
  }
}

function defaultNameAt({ userAgent }: RequestOrigin): string {
  return deviceName(userAgent) ?? 'Passkey'
}
