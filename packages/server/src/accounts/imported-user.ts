import { isLanguageTag, matchLocale } from '../locales.js'
import { isProblem } from '../problem.js'
import { type Role, roles } from './account-table.js'
import { canonicalEmail } from './email-address.js'
import { type HashFault, parseImportedHash } from './imported-hash.js'
import { parseImportedTime } from './imported-time.js'
import { noPassword } from './password.js'

/** An account of another system. Times are milliseconds since 1970. */
export interface ImportedUser {
  /** A UUID; `undefined` if this server is to choose one. */
  readonly id: string | undefined
  /** Canonical. */
  readonly email: string
  readonly name: string | null
  /** The language of this server that is nearest to that of the other system, if there is one. */
  readonly locale: string | null
  readonly role: Role
  readonly createdAt: number
  readonly signedInAt: number | null
  readonly disabledAt: number | null
  /** When the other system verified the address. */
  readonly emailVerifiedAt: number | null
  /** In a form that `parseImportedHash` reads, or `noPassword`. */
  readonly passwordHash: string
}

const fields = [
  'id',
  'email',
  'name',
  'locale',
  'role',
  'created_at',
  'last_login_at',
  'email_verified',
  'email_verified_at',
  'disabled',
  'disabled_at',
  'password_hash',
] as const

type Field = (typeof fields)[number]

/** Why a line of an import is refused. */
export type ImportFault =
  | HashFault
  | 'line_malformed'
  | 'field_unknown'
  | `${Exclude<Field, 'password_hash'>}_invalid`
  /** An account with this address exists already. It is not changed. */
  | 'email_present'
  /** An account or a client with this ID exists already. It is not changed. */
  | 'id_present'

const maxNameLength = 200
const uuidForm = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const nilUuid = '00000000-0000-0000-0000-000000000000'

/** Thrown and caught in this file only. */
class Fault extends Error {
  readonly code: ImportFault

  constructor(code: ImportFault) {
    super(code)
    this.code = code
  }
}

/**
 * Returns the user of a line, or why the line is refused. An unknown field is refused, because it
 * may be important. `nowMs`: the default of missing times, and the upper bound of all times.
 */
export function parseImportedUser(line: unknown, nowMs: number): ImportedUser | ImportFault {
  if (typeof line !== 'object' || line === null || Array.isArray(line)) return 'line_malformed'
  const given = line as Readonly<Record<string, unknown>>
  if (Object.keys(given).some((name) => !fields.some((field) => field === name))) return 'field_unknown'
  try {
    return userOf(given, nowMs)
  } catch (error) {
    if (error instanceof Fault) return error.code
    throw error
  }
}

function userOf(given: Readonly<Partial<Record<Field, unknown>>>, nowMs: number): ImportedUser {
  const time = (field: 'created_at' | 'last_login_at' | 'email_verified_at' | 'disabled_at') => {
    if (isAbsent(given[field])) return undefined
    const ms = parseImportedTime(given[field])
    if (ms === undefined || ms > nowMs) throw new Fault(`${field}_invalid`)
    return ms
  }
  const since = (field: 'email_verified' | 'disabled') => {
    const at = time(`${field}_at`)
    const flag = isAbsent(given[field]) ? at !== undefined : flagOf(given[field])
    // A time contradicts a flag that is false.
    if (flag === undefined || (!flag && at !== undefined)) throw new Fault(`${field}_invalid`)
    return flag ? (at ?? nowMs) : null
  }
  return {
    id: idOf(given.id),
    email: emailOf(given.email),
    name: nameOf(given.name),
    locale: localeOf(given.locale),
    role: roleOf(given.role),
    createdAt: time('created_at') ?? nowMs,
    signedInAt: time('last_login_at') ?? null,
    emailVerifiedAt: since('email_verified'),
    disabledAt: since('disabled'),
    passwordHash: hashOf(given.password_hash),
  }
}

function idOf(value: unknown): string | undefined {
  if (isAbsent(value)) return undefined
  const id = typeof value === 'string' ? value.toLowerCase() : ''
  // Lists begin after the nil UUID, so that an account with this ID would never be listed.
  if (!uuidForm.test(id) || id === nilUuid) throw new Fault('id_invalid')
  return id
}

function emailOf(value: unknown): string {
  if (typeof value !== 'string') throw new Fault('email_invalid')
  try {
    return canonicalEmail(value)
  } catch (error) {
    throw isProblem(error) ? new Fault('email_invalid') : error
  }
}

function nameOf(value: unknown): string | null {
  if (isAbsent(value)) return null
  const usable =
    typeof value === 'string' && value.length <= maxNameLength && value.isWellFormed() && !value.includes('\0')
  if (!usable) throw new Fault('name_invalid')
  return value
}

/** Exports of other systems also write `de_DE`. */
function localeOf(value: unknown): string | null {
  if (isAbsent(value)) return null
  const tag = typeof value === 'string' ? value.replaceAll('_', '-') : ''
  if (!isLanguageTag(tag)) throw new Fault('locale_invalid')
  return matchLocale(tag) ?? null
}

function roleOf(value: unknown): Role {
  const role = roles.find((known) => known === (isAbsent(value) ? 'user' : value))
  if (role === undefined) throw new Fault('role_invalid')
  return role
}

function hashOf(value: unknown): string {
  if (isAbsent(value)) return noPassword
  if (typeof value !== 'string') throw new Fault('password_hash_unsupported')
  const hash = parseImportedHash(value)
  if (typeof hash === 'string') throw new Fault(hash)
  return value
}

/** The forms of booleans in JSON, CSV and the exports of databases. */
const flags: Readonly<Record<string, boolean>> = { true: true, t: true, 1: true, false: false, f: false, 0: false }

function flagOf(value: unknown): boolean | undefined {
  const text = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : ''
  const key = text.toLowerCase()
  return Object.hasOwn(flags, key) ? flags[key] : undefined
}

/** An empty text is an absent value in CSV. */
function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || value === ''
}
