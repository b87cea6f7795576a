import type { Configuration } from '../config/configuration.js'
import type { Account } from './account-table.js'

/**
 * Returns why an account cannot sign in, by whatever factor; `undefined` if it can. Ask only after
 * the factor was right, because the answer reveals the state of the account.
 */
export function signInRefusal(
  { disabledAt, emailVerifiedAt }: Pick<Account, 'disabledAt' | 'emailVerifiedAt'>,
  { unverifiedSignIn }: Pick<Configuration, 'unverifiedSignIn'>,
): 'account_disabled' | 'email_unverified' | undefined {
  if (disabledAt !== null) return 'account_disabled'
  return emailVerifiedAt === null && unverifiedSignIn === 'refuse' ? 'email_unverified' : undefined
}
