/** What an account may do, as its access tokens say it. Lists are texts with a space between, as they are stored. */
export interface Grants {
  /** What it may do here: `user` or `admin`. */
  readonly role: string
  /** Its roles in the applications behind; of no meaning here. */
  readonly roles: string
  /** Its scopes in the applications behind; of no meaning here. */
  readonly scope: string
}

/** The claims that say it: `roles` as a list (RFC 9068 §2.2.3.1), `scope` as one text (RFC 8693 §4.2); what is empty is left out. */
export function claimsOf({ role, roles, scope }: Grants): Record<string, unknown> {
  return { role, ...(roles === '' ? {} : { roles: roles.split(' ') }), ...(scope === '' ? {} : { scope }) }
}

/** Whether tokens that say the one are true of the other. */
export function sameGrants(one: Grants, other: Grants): boolean {
  return one.role === other.role && one.roles === other.roles && one.scope === other.scope
}
