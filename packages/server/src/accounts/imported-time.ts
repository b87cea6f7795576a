/**
 * RFC 3339, and the output of PostgreSQL and others: a space for the "T", a short or no offset, or
 * only a date.
 */
const timeForm = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d:\d\d(?:\.\d{1,9})?)(?:(Z)|([+-]\d\d)(?::?(\d\d))?)?)?$/i

/**
 * Returns a time of an import in milliseconds since 1970, or `undefined` if the value is not a time
 * or is before 1970. A time without an offset is in UTC.
 */
export function parseImportedTime(value: unknown): number | undefined {
  const parts = typeof value === 'string' ? timeForm.exec(value.trim()) : null
  if (parts === null) return undefined
  const [, date = '', time = '00:00:00', , hours, minutes = '00'] = parts
  const zone = hours === undefined ? 'Z' : `${hours}:${minutes}`
  const ms = Date.parse(`${date}T${time}${zone}`)
  return ms >= 0 && isDate(date) ? ms : undefined
}

/** Date.parse accepts February 30 as March 1 or 2. */
function isDate(date: string): boolean {
  const ms = Date.parse(`${date}T00:00:00Z`)
  return Number.isFinite(ms) && new Date(ms).toISOString().startsWith(date)
}
