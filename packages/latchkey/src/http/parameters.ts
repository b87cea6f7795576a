/** Returns the parameters of a form or a query, each with all its values. */
export function parametersOf(parameters: URLSearchParams | FormData): Readonly<Record<string, unknown>> {
  return Object.fromEntries([...new Set(parameters.keys())].map((name) => [name, parameters.getAll(name)]))
}

/** Returns the parameters in the query of a URL or of a request target. */
export function queryOf(url: string): Readonly<Record<string, unknown>> {
  const start = url.indexOf('?')
  return start < 0 ? {} : parametersOf(new URLSearchParams(url.slice(start + 1)))
}
