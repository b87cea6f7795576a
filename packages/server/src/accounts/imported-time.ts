/** RFC 3339, and what PostgreSQL and others make of it: a space for the "T", a short zone or none, a date alone. */
const timeForm = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d:\d\d(?:\.\d{1,9})?)(?:(Z)|([+-]\d\d)(?::?(\d\d))?)?)?$/i

/**
 * Returns the milliseconds since 1970 of a time in an import, or `undefined` if it is none, or one
 * before 1970. A time without a zone is one of UTC.
 */
export function parseImportedTime(value: unknown): number | undefined {
  const parts = typeof value === 'string' ? timeForm.exec(value.trim()) : null
  if (parts === null) return undefined
  const [, date = '', time = '00:00:00', , hours, minutes = '00'] = parts
  const zone = hours === undefined ? 'Z' : `${hours}:${minutes}`
  const ms = Date.parse(`${date}T${time}${zone}`)
  return ms >= 0 && isDate(date) ? ms : undefined
}

/** Date.parse takes the 30th of February for the first or second of March. */
function isDate(date: string): boolean {
  const ms = Date.parse(`${date}T00:00:00Z`)
  return Number.isFinite(ms) && new Date(ms).toISOString().startsWith(date)
}
