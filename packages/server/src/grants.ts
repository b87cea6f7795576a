import { type Auth, type Grants, type GrantsInput, MAX_GRANTS_BYTES, type TenantSecrets } from 'latchkey'
import type { SqlClient } from 'latchkey/sql'
import { defineProblems } from './problem.js'

/** Failures of grants. */
export const grantFailures = defineProblems({
  grants_too_large: {
    status: 400,
    message: 'Roles and scope together have more than 1 KiB of JSON.',
    hint: 'Grant less, or shorter names.',
  },
})

/** What an account may do, as its row holds it. Lists are texts with a space between. */
export interface AccountRights {
  /** What it may do here: `user` or `admin`. */
  readonly role: string
  /** Its roles in the applications behind; of no meaning here. */
  readonly roles: string
  /** Its scopes in the applications behind; of no meaning here. */
  readonly scope: string
}

/** Returns the rights alone, as the audit log keeps them. */
export function rightsOf({ role, roles, scope }: AccountRights): { role: string; roles: string; scope: string } {
  return { role, roles, scope }
}

/** The grants of an account's tenant. The `role` of a mere user is left out, so that most accounts have none. */
export function grantsOfAccount({ role, roles, scope }: AccountRights): GrantsInput {
  return { ...(role === 'user' ? {} : { role }), ...listsOf(roles, scope) }
}

/** The grants of a client's tenant. `client` is what tells it from an account. */
export function grantsOfClient({ scope }: { readonly scope: string }): GrantsInput {
  return { client: true, ...listsOf('', scope) }
}

/** Whether a verified token is that of a client. No claim of the token decides it. */
export function isClient({ client }: Grants): boolean {
  return client === true
}

/** Whether a verified token is that of an administrator. */
export function isAdmin({ role }: Grants): boolean {
  return role === 'admin'
}

/**
 * What other services are told of the rights behind a verified token: `client_id` and `scope` of a client; `role`,
 * `roles` (RFC 9068 §2.2.3.1) and `scope` (RFC 8693 §4.2) of an account. Empty lists are left out.
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
 * Stores the grants of a tenant in the transaction that changes its account or client. They hold at once for tokens that
 * were issued before. Fails with `grants_too_large`.
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

/** Each name once. */
function namesIn(text: string): string[] {
  return [...new Set(text.split(' '))]
}
