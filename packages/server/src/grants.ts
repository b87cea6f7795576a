import { type Auth, type Grants, type GrantsInput, MAX_GRANTS_BYTES, type TenantSecrets } from 'latchkey'
import type { SqlClient } from 'latchkey/sql'
import { defineProblems } from './problem.js'

/** Failures of grants. */
export const grantFailures = defineProblems({
  grants_too_large: {
    status: 400,
    message: 'Roles and scope together exceed 1 KiB of JSON.',
    hint: 'Grant fewer roles and scopes, or use shorter names.',
  },
})

/** The stored rights of an account. Lists are separated by spaces. */
export interface AccountRights {
  /** The right in this server: `user`, `auditor` or `admin`. */
  readonly role: string
  /** The roles in applications behind this server. */
  readonly roles: string
  /** The scopes in applications behind this server. */
  readonly scope: string
}

/** Returns only the rights, for the audit log. */
export function rightsOf({ role, roles, scope }: AccountRights): { role: string; roles: string; scope: string } {
  return { role, roles, scope }
}

/**
 * Returns the grants of an account's tenant. The role `user` is left out, so that most accounts
 * have no grants.
 */
export function grantsOfAccount({ role, roles, scope }: AccountRights): GrantsInput {
  return { ...(role === 'user' ? {} : { role }), ...listsOf(roles, scope) }
}

/**
 * Returns the grants of a client's tenant. The member `client` distinguishes it from an account.
 */
export function grantsOfClient({ scope }: { readonly scope: string }): GrantsInput {
  return { client: true, ...listsOf('', scope) }
}

/** Returns whether stored grants are those of a client. No claim of a token has an influence. */
export function isClient({ client }: Grants): boolean {
  return client === true
}

/**
 * Returns whether a role may use a route for administrators. An auditor may only read.
 *
 * @param role - The stored role, never one that a token claims.
 */
export function mayAdminister(role: unknown, { isChange }: { readonly isChange: boolean }): boolean {
  return role === 'admin' || (role === 'auditor' && !isChange)
}

/**
 * Returns the claims by which other services receive the rights of a verified token: `client_id`
 * and `scope` of a client; `role`, `roles` (RFC 9068 §2.2.3.1) and `scope` (RFC 8693 §4.2) of an
 * account. Empty lists are left out.
 */
export function claimsOfRights({ subject, grants }: Auth): Record<string, unknown> {
  const { role = 'user', roles, scope } = grants
  return {
    ...(isClient(grants) ? { client_id: subject } : { role }),
    ...(roles.length === 0 ? {} : { roles }),
    ...(scope === '' ? {} : { scope }),
  }
}

/**
 * Stores the grants of a tenant in the transaction that changes its account or client. They apply
 * at once to issued tokens. Throws `grants_too_large`.
 */
export async function storeGrants(
  client: SqlClient,
  keys: Pick<TenantSecrets<SqlClient>, 'setGrants'>,
  { tenant, grants }: { readonly tenant: string; readonly grants: GrantsInput },
): Promise<void> {
  if (Buffer.byteLength(JSON.stringify(grants)) > MAX_GRANTS_BYTES) throw grantFailures.refusal('grants_too_large')
  await keys.setGrants(tenant, grants, { client })
}

function listsOf(roles: string, scope: string): GrantsInput {
  return {
    ...(roles === '' ? {} : { roles: namesIn(roles) }),
    ...(scope === '' ? {} : { scope: namesIn(scope).join(' ') }),
  }
}

/** Returns the names without duplicates. */
function namesIn(text: string): string[] {
  return [...new Set(text.split(' '))]
}
