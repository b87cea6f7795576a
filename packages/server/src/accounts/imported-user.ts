import { Problem } from '../problem.js'
import { type Role, roles } from './account-table.js'
import { canonicalEmail } from './email-address.js'
import { type HashFault, parseImportedHash } from './imported-hash.js'

/** An account that comes from another system. */
export interface ImportedUser {
  /** Canonical. */
  readonly email: string
  readonly name: string | null
  readonly role: Role
  /** Whether the other system knows that the address is the owner's. */
  readonly isEmailVerified: boolean
  /** In a form that `parseImportedHash` reads. */
  readonly passwordHash: string
}

/** Why a line of an import makes no account. A name is never changed. */
export type ImportFault =
  | HashFault
  | 'line_malformed'
  | 'field_unknown'
  | 'email_invalid'
  | 'name_invalid'
  | 'role_invalid'
  | 'email_verified_invalid'
  /** There is an account with this address already; it stays as it is. */
  | 'email_present'

const fields = ['email', 'name', 'role', 'email_verified', 'password_hash'] as const
const maxNameLength = 200

/** The user that a line tells of, or why it tells of none. A column that is not known here is no line that can be meant: it may be what matters. */
export function parseImportedUser(line: unknown): ImportedUser | ImportFault {
  if (typeof line !== 'object' || line === null || Array.isArray(line)) return 'line_malformed'
  const given = line as Readonly<Record<string, unknown>>
  if (Object.keys(given).some((name) => !fields.some((field) => field === name))) return 'field_unknown'
  const email = emailOf(given.email)
  if (email === undefined) return 'email_invalid'
  const name = nameOf(given.name)
  if (name === undefined) return 'name_invalid'
  const role = roles.find((known) => known === (isAbsent(given.role) ? 'user' : given.role))
  if (role === undefined) return 'role_invalid'
  const isEmailVerified = flagOf(given.email_verified)
  if (isEmailVerified === undefined) return 'email_verified_invalid'
  if (typeof given.password_hash !== 'string') return 'password_hash_unsupported'
  const hash = parseImportedHash(given.password_hash)
  return typeof hash === 'string' ? hash : { email, name, role, isEmailVerified, passwordHash: given.password_hash }
}

function emailOf(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined
  try {
    return canonicalEmail(value)
  } catch (error) {
    if (error instanceof Problem) return undefined
    throw error
  }
}

function nameOf(value: unknown): string | null | undefined {
  if (isAbsent(value)) return null
  const usable =
    typeof value === 'string' && value.length <= maxNameLength && value.isWellFormed() && !value.includes('\0')
  return usable ? value : undefined
}

/** A boolean, or what CSV has for one; false when it is absent. */
function flagOf(value: unknown): boolean | undefined {
  if (isAbsent(value) || value === false || value === 'false') return false
  return value === true || value === 'true' ? true : undefined
}

/** CSV has no other way to say that there is nothing. */
function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || value === ''
}
