import type { SqlClient } from 'latchkey/sql'
import type { Core } from '../core.js'
import { grantsOfAccount, storeGrants } from '../grants.js'
import { uuidV7 } from '../uuid.js'
import { type Account, insertAccount, type Role, type StoredAccount, withoutHash } from './account-table.js'
import { canonicalEmail } from './email-address.js'
import type { PasswordDomain } from './open-passwords.js'
import type { PasswordTask } from './password-queue.js'

/** The input of a registration. */
export interface Applicant {
  readonly email: string
  readonly password: string
  readonly name?: string | undefined
  /** The language of its letters and pages. */
  readonly locale?: string | null | undefined
}

/**
 * Validates the input of a new account and hashes its password. Call it before any transaction,
 * because it is slow.
 *
 * @throws Problem `email_invalid`, `password_…`, `overloaded`
 */
export async function draftAccount(
  { passwords, passwordPolicy, clock }: PasswordDomain & Pick<Core, 'clock'>,
  input: Applicant,
  { role, task }: { readonly role: Role; readonly task: PasswordTask },
): Promise<StoredAccount> {
  const email = canonicalEmail(input.email)
  const passwordHash = await passwords.hash(task, passwordPolicy.check(input.password, { ...input, email }))
  const createdAt = clock.now()
  const { name = null, locale = null } = input
  return newAccount({ email, name, locale, role, passwordHash, createdAt, emailVerifiedAt: null })
}

/** Returns a new account with defaults for the members that are not given. */
export function newAccount(
  known: Pick<StoredAccount, 'email' | 'name' | 'role' | 'passwordHash' | 'createdAt' | 'emailVerifiedAt'> &
    Partial<Pick<StoredAccount, 'signedInAt' | 'disabledAt' | 'locale'>>,
  id = uuidV7(known.createdAt),
): StoredAccount {
  const defaults = { signedInAt: null, disabledAt: null, locale: null, profile: '{}' }
  const factors = { secondFactor: 0, factorResetAt: null }
  return { ...defaults, ...known, ...factors, id, roles: '', scope: '' }
}

/**
 * Inserts the account with its secret and its grants, in the caller's transaction. Throws
 * `email_taken`.
 */
export async function insertDraft(
  client: SqlClient,
  { keys }: Pick<Core, 'keys'>,
  draft: StoredAccount,
): Promise<Account> {
  await keys.provision(draft.id, { client })
  await insertAccount(client, draft)
  // Other new accounts have no grants.
  if (draft.role !== 'user') await storeGrants(client, keys, { tenant: draft.id, grants: grantsOfAccount(draft) })
  if (draft.disabledAt !== null) await keys.disable(draft.id, { client })
  return withoutHash(draft)
}
