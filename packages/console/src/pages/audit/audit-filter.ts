import type { AuditQuery } from './audit-words.js'

/** The parameters of the URL that filter the log. */
export const filterNames = ['event', 'outcome', 'account', 'actor', 'session', 'address', 'since', 'until'] as const

/** Entries of one page. */
const pageSize = 50

/** Returns the query of the API for the parameters of the URL. Times there are local. */
export function auditQueryOf(get: (name: string) => string): AuditQuery {
  const given = [...filterNames, 'cursor'].map((name) => [name, parameterOf(name, get(name).trim())] as const)
  return { ...Object.fromEntries(given.filter(([, value]) => value !== '')), limit: pageSize }
}

/** Returns the query as the end of a URL, without empty parameters. */
export function searchOf(query: AuditQuery, further: Readonly<Record<string, string>> = {}): string {
  const pairs = Object.entries({ ...query, ...further }).map(([name, value]) => [name, String(value)])
  const search = new URLSearchParams(pairs).toString()
  return search === '' ? '' : `?${search}`
}

function parameterOf(name: string, value: string): string {
  if (value === '' || (name !== 'since' && name !== 'until')) return value
  const time = new Date(value)
  // The server explains what is wrong with a time that cannot be parsed.
  return Number.isNaN(time.getTime()) ? value : time.toISOString()
}
