import type { AuthenticationLevel } from 'latchkey'
import type { SqlClient } from 'latchkey/sql'
import type { Configuration } from '../config/configuration.js'
import type { Core } from '../core.js'
import { type FactorKind, listFactors } from '../factors/factor-table.js'
import type { Acting } from '../sessions/actors.js'
import { levelOf, methodsIn } from '../sessions/auth-methods.js'
import { findSession } from '../sessions/session-table.js'
import { accountFailures } from './failures.js'

/** The account and the session of a request. */
type ActingSession = Pick<Acting, 'accountId' | 'sessionId'>

/** The authentication that a change demands. */
export interface Demand {
  /** @defaultValue `aal2` for an account with a second factor, else `aal1` */
  readonly acr?: AuthenticationLevel | undefined
  /** `false`: an authentication at the start of the session is enough. @defaultValue true */
  readonly recent?: boolean | undefined
}

/** A clock of another server may be ahead by this much. */
const toleranceMs = 5000

/**
 * Checks that the owner of a session has authenticated recently, and with a second factor if the
 * account has one (NIST SP 800-63B-4 §5.2, RFC 9470). A stolen session alone then makes no
 * sensitive change.
 */
export class RecentAuthentication {
  readonly #core: Pick<Core, 'clock'>
  readonly #settings: Pick<Configuration, 'recentSec'>

  constructor(core: Pick<Core, 'clock'>, settings: Pick<Configuration, 'recentSec'>) {
    this.#core = core
    this.#settings = settings
  }

  /**
   * Checks the session of a change. Call it in the transaction of the change, after `Actors.lock`;
   * an earlier call on the store only refuses sooner.
   *
   * @throws Problem `recent_authentication_required`, the challenge of RFC 9470
   */
  async check(client: SqlClient, acting: ActingSession, demand: Demand = {}): Promise<void> {
    await this.#check(client, acting, { ...demand, factors: await secondFactorsOf(client, acting.accountId) })
  }

  /**
   * Does the same beside the password in the body of a request. The password is a recent
   * authentication of an account without a second factor, whose session is not checked then.
   *
   * @throws Problem `recent_authentication_required`
   */
  async checkBesidePassword(client: SqlClient, acting: ActingSession): Promise<void> {
    const factors = await secondFactorsOf(client, acting.accountId)
    if (factors.length > 0) await this.#check(client, acting, { factors })
  }

  async #check(
    client: SqlClient,
    { sessionId }: ActingSession,
    { factors, acr = factors.length > 0 ? 'aal2' : 'aal1', recent = true }: Demand & { factors: readonly FactorKind[] },
  ): Promise<void> {
    const session = await findSession(client, sessionId)
    const isStrong = session !== undefined && (acr === 'aal1' || levelOf(methodsIn(session.amr)) === acr)
    if (isStrong && (!recent || this.#isRecent(session.authenticatedAt))) return
    throw this.#refusal(factors, acr, recent)
  }

  /** A time in the future is not recent: a clock was set back since. */
  #isRecent(authenticatedAt: number | null): boolean {
    if (authenticatedAt === null) return false
    const ageMs = this.#core.clock.now() - authenticatedAt
    return ageMs >= -toleranceMs && ageMs <= this.#settings.recentSec * 1000
  }

  #refusal(factors: readonly FactorKind[], acr: AuthenticationLevel, recent: boolean) {
    const { recentSec } = this.#settings
    return accountFailures.refusal('recent_authentication_required', {
      challengeParameters: { acr_values: acr, ...(recent && { max_age: String(recentSec) }) },
      extensions: { acr, ...(recent && { max_age: recentSec }), methods: factors.length > 0 ? factors : ['password'] },
    })
  }
}

/** Returns the kinds of the second factors of an account, each once; none if it has none. */
export async function secondFactorsOf(client: SqlClient, accountId: string): Promise<readonly FactorKind[]> {
  const confirmed = (await listFactors(client, accountId)).filter(({ confirmedAt }) => confirmedAt !== null)
  return [...new Set(confirmed.map(({ kind }) => kind))]
}
