/**
 * Returns all values of a header in order, so that duplicates can be refused. `name` is in lower
 * case.
 */
export function headerValues(rawHeaders: readonly string[], name: string): readonly string[] {
  return rawHeaders.flatMap((_, at) => {
    const isValue = at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === name
    return isValue ? [rawHeaders[at] ?? ''] : []
  })
}
