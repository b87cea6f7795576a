import type { SqlClient } from 'latchkey/sql'
import type { Core } from '../core.js'
import { grantsOfAccount, storeGrants } from '../grants.js'
import { uuidV7 } from '../uuid.js'
import { type Account, insertAccount, type Role, type StoredAccount, withoutHash } from './account-table.js'
import { canonicalEmail } from './email-address.js'
import type { PasswordDomain } from './open-passwords.js'
import type { PasswordTurn } from './password-queue.js'

/** The input of a registration. */
export interface Applicant {
  readonly email: string
  readonly password: string
  readonly name?: string | undefined
}

/**
 * Does the slow work of a new account, before any transaction.
 *
 * @throws Problem `email_invalid`, `password_…`, `overloaded`
 */
export async function draftAccount(
  { passwords, passwordPolicy, clock }: PasswordDomain & Pick<Core, 'clock'>,
  input: Applicant,
  { role, turn }: { readonly role: Role; readonly turn: PasswordTurn },
): Promise<StoredAccount> {
  const email = canonicalEmail(input.email)
  const passwordHash = await passwords.hash(turn, passwordPolicy.check(input.password, { ...input, email }))
  const createdAt = clock.now()
  return newAccount({ email, name: input.name ?? null, role, passwordHash, createdAt, emailVerifiedAt: null })
}

/** Returns a new account, whose unknown members are empty. */
export function newAccount(
  known: Pick<StoredAccount, 'email' | 'name' | 'role' | 'passwordHash' | 'createdAt' | 'emailVerifiedAt'> &
    Partial<Pick<StoredAccount, 'signedInAt' | 'disabledAt'>>,
  id = uuidV7(known.createdAt),
): StoredAccount {
  return { signedInAt: null, disabledAt: null, profile: '{}', ...known, id, roles: '', scope: '' }
}

/** Inserts the account with its secret and its grants, in the caller's transaction. Throws `email_taken`. */
export async function insertDraft(
  client: SqlClient,
  { keys }: Pick<Core, 'keys'>,
  draft: StoredAccount,
): Promise<Account> {
  await keys.provision(draft.id, { client })
  await insertAccount(client, draft)
  // Other accounts have no grants at first.
  if (draft.role !== 'user') await storeGrants(client, keys, { tenant: draft.id, grants: grantsOfAccount(draft) })
  if (draft.disabledAt !== null) await keys.disable(draft.id, { client })
  return withoutHash(draft)
}
