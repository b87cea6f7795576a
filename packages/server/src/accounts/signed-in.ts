import type { TokenSet } from '../sessions/sessions.js'
import type { Account } from './account-table.js'

/** The result of a sign-in: the account and its tokens. */
export interface SignedIn {
  readonly account: Account
  readonly tokens: TokenSet
  /**
   * Identifies this device as known at its next sign-in. Present after a login and a registration.
   */
  readonly deviceToken?: string
}
