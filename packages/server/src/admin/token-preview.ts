import type { GrantsInput, TenantSecrets } from 'latchkey'
import type { SqlClient } from 'latchkey/sql'
import { findAccount } from '../accounts/account-table.js'
import { accountFailures } from '../accounts/failures.js'
import type { Profiles } from '../accounts/profiles.js'
import type { Configuration } from '../config/configuration.js'
import type { Core } from '../core.js'
import { grantsOfAccount } from '../grants.js'

type Members = Readonly<Record<string, unknown>>

/** The access token that a sign-in of an account would return now, without a signature. */
export interface TokenPreview {
  /** Why no token would be issued; `null` if one would. */
  readonly refusal: 'tenant_disabled' | null
  /** The header; `kid` is `null` if a sign-in would first create a secret. */
  readonly header: Members
  /** The claims that do not depend on the session. */
  readonly claims: Members
  /** The claims that each token has, and whose values the sign-in decides. */
  readonly perToken: readonly string[]
  /** The rights, which are stored with the account and not part of the token. */
  readonly grants: GrantsInput
  readonly lifetimeSec: number
}

/** Shows what a token of an account would contain. Nothing is signed. */
export class TokenPreviews {
  readonly #core: Pick<Core, 'store'> & { readonly keys: Pick<TenantSecrets<SqlClient>, 'describe'> }
  readonly #profiles: Pick<Profiles, 'claimsOf'>
  readonly #settings: Pick<Configuration, 'issuer' | 'audience' | 'accessTokenTtlSec'>

  constructor(
    core: Pick<Core, 'store' | 'keys'>,
    { profiles }: { readonly profiles: Pick<Profiles, 'claimsOf'> },
    settings: Pick<Configuration, 'issuer' | 'audience' | 'accessTokenTtlSec'>,
  ) {
    this.#core = core
    this.#profiles = profiles
    this.#settings = settings
  }

  /** Returns the preview. Throws `account_unknown`. */
  async of(accountId: string): Promise<TokenPreview> {
    const { store, keys } = this.#core
    const { issuer: iss, audience: aud, accessTokenTtlSec: lifetimeSec } = this.#settings
    const account = await findAccount(store, accountId)
    if (account === undefined) throw accountFailures.refusal('account_unknown')
    const tenant = await keys.describe(accountId)
    const signing = tenant?.secrets.find(({ retiresAt }) => retiresAt === null)
    const isDisabled = account.disabledAt !== null || (tenant !== undefined && tenant.disabledAt !== null)
    return {
      refusal: isDisabled ? 'tenant_disabled' : null,
      header: { alg: signing?.algorithm ?? 'HS256', typ: 'at+jwt', kid: signing?.kid ?? null },
      claims: { ...(await this.#profiles.claimsOf(accountId)), iss, sub: accountId, aud, client_id: accountId },
      perToken: ['iat', 'exp', 'jti', 'sid', 'auth_time', 'acr', 'amr'],
      grants: grantsOfAccount(account),
      lifetimeSec,
    }
  }
}
