import type { Clock, TenantSecrets } from 'latchkey'
import type { SqlClient } from 'latchkey/sql'
import { grantsOfAccount, storeGrants } from '../grants.js'
import { uuidV7 } from '../uuid.js'
import { type Account, insertAccount, type Role, type StoredAccount, withoutHash } from './account-table.js'
import { canonicalEmail } from './email-address.js'
import type { PasswordPolicy } from './password-policy.js'
import type { PasswordQueue, PasswordTurn } from './password-queue.js'

/** What is known of somebody who wants an account. */
export interface Applicant {
  readonly email: string
  readonly password: string
  readonly name?: string | undefined
}

/** What new accounts are made with. */
export interface NewAccountParts {
  readonly keys: TenantSecrets<SqlClient>
  readonly passwords: PasswordQueue
  readonly policy: PasswordPolicy
  readonly clock: Clock
}

/** Everything of a new account that takes time, before any transaction. Fails with `email_invalid`, `password_…`, `overloaded`. */
export async function draftAccount(
  { passwords, policy, clock }: NewAccountParts,
  input: Applicant,
  { role, turn }: { readonly role: Role; readonly turn: PasswordTurn },
): Promise<StoredAccount> {
  const email = canonicalEmail(input.email)
  const passwordHash = await passwords.hash(turn, policy.check(input.password, { ...input, email }))
  const createdAt = clock.now()
  return newAccount({ email, name: input.name ?? null, role, passwordHash, createdAt, emailVerifiedAt: null })
}

/** What is not known of a new account is nothing yet. */
export function newAccount(
  known: Pick<StoredAccount, 'email' | 'name' | 'role' | 'passwordHash' | 'createdAt' | 'emailVerifiedAt'> &
    Partial<Pick<StoredAccount, 'signedInAt' | 'disabledAt'>>,
  id = uuidV7(known.createdAt),
): StoredAccount {
  return { signedInAt: null, disabledAt: null, profile: '{}', ...known, id, roles: '', scope: '' }
}

/** The account with its secret and its grants, in the caller's transaction. Fails with `email_taken`. */
export async function insertDraft(
  client: SqlClient,
  { keys }: Pick<NewAccountParts, 'keys'>,
  draft: StoredAccount,
): Promise<Account> {
  await keys.provision(draft.id, { client })
  await insertAccount(client, draft)
  // Everybody else registers without any.
  if (draft.role !== 'user') await storeGrants(client, keys, { tenant: draft.id, grants: grantsOfAccount(draft) })
  if (draft.disabledAt !== null) await keys.disable(draft.id, { client })
  return withoutHash(draft)
}
