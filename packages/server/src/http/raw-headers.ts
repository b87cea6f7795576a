/** Every value of a header, as they arrived: where it may be there once, a second one must not be passed over. `name` in lower case. */
export function headerValues(rawHeaders: readonly string[], name: string): readonly string[] {
  return rawHeaders.flatMap((_, at) => {
    const isValue = at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === name
    return isValue ? [rawHeaders[at] ?? ''] : []
  })
}
