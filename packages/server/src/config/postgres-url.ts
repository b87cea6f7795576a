import { accessSync, constants } from 'node:fs'

/** The values of sslmode that the driver accepts. */
const sslModes = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full', 'no-verify']

/** Parameters that name files of certificates and keys. */
const fileParameters = ['sslrootcert', 'sslcert', 'sslkey']

const escapes = '"@" is %40, ":" is %3A, "/" is %2F, "?" is %3F, "#" is %23, "%" is %25'

/** Returns the text if it is a URL of a PostgreSQL database. */
export function parsePostgresUrl(text: string): string | undefined {
  return postgresUrlProblem(text) === undefined ? text : undefined
}

/** Returns what is wrong with the URL of a database, without repeating parts that may be secret. */
export function postgresUrlProblem(text: string): string | undefined {
  if (!/^postgres(ql)?:\/\//.test(text)) return 'it does not begin with postgres:// or postgresql://'
  if (!URL.canParse(text)) {
    return `it cannot be parsed; percent-encode the special characters of user and password: ${escapes}`
  }
  const url = new URL(text)
  if (isCutShort(url)) return `its password or user has a special character that is not percent-encoded: ${escapes}`
  if (![url.username, url.password, url.pathname].every(isEncoded)) {
    return 'its user, password or database has a "%" that does not begin percent-encoded UTF-8: write "%" as %25'
  }
  return tlsProblem(url.searchParams)
}

/** A "/", "?" or "#" in a password ends the host, and what follows has the "@". */
function isCutShort({ username, pathname, search, hash }: URL): boolean {
  return hash !== '' || (username === '' && (pathname.includes('@') || /^\?[^=&]*@/.test(search)))
}

function isEncoded(part: string): boolean {
  try {
    decodeURIComponent(part)
    return true
  } catch {
    return false
  }
}

function tlsProblem(parameters: URLSearchParams): string | undefined {
  const mode = parameters.get('sslmode')
  if (mode !== null && !sslModes.includes(mode)) return `its sslmode is not one of ${sslModes.join(', ')}`
  const unreadable = fileParameters.find((name) => parameters.has(name) && !isReadable(parameters.get(name) ?? ''))
  return unreadable === undefined ? undefined : `its ${unreadable} names a file that cannot be read`
}

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK)
    return true
  } catch {
    return false
  }
}
