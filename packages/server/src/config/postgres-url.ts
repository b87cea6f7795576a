import { accessSync, constants } from 'node:fs'

/** As the driver knows them. */
const sslModes = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full', 'no-verify']

/** Parameters that name files of certificates and keys. */
const fileParameters = ['sslrootcert', 'sslcert', 'sslkey']

const escapes = '"@" is %40, ":" is %3A, "/" is %2F, "?" is %3F, "#" is %23, "%" is %25'

/** Returns the URL if PostgreSQL can be connected to by it. */
export function parsePostgresUrl(text: string): string | undefined {
  return postgresUrlProblem(text) === undefined ? text : undefined
}

/** Returns what is wrong with the URL of a database, without a part of it that may be secret. */
export function postgresUrlProblem(text: string): string | undefined {
  if (!/^postgres(ql)?:\/\//.test(text)) return 'it does not begin with postgres:// or postgresql://'
  if (!URL.canParse(text)) {
    return `it cannot be parsed; in user and password, signs that mean something in a URL are percent-encoded: ${escapes}`
  }
  const url = new URL(text)
  if (isCutShort(url))
    return `its password, or its user, is cut short by a sign that is not percent-encoded: ${escapes}`
  if (![url.username, url.password, url.pathname].every(isEncoded)) {
    return 'its user, its password or its database has a "%" that begins no percent-encoded UTF-8: "%" itself is %25'
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
  if (mode !== null && !sslModes.includes(mode)) return `its sslmode is none of ${sslModes.join(', ')}`
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
