import type { TokenSet } from '../sessions/sessions.js'
import type { Account } from './account-table.js'

/** An account that has just signed in, and its tokens. */
export interface SignedIn {
  readonly account: Account
  readonly tokens: TokenSet
  /** Marks this device as known at its next sign-in; present after a login and a registration. */
  readonly deviceToken?: string
}
