/** A request to the API. */
export interface ShownRequest {
  readonly method: string
  readonly url: string
  readonly body?: unknown
}

/**
 * Returns the request as a command for a POSIX shell. The token is the variable `TOKEN` of that
 * shell, so that no token is in a clipboard or a history.
 */
export function curlCommand({ method, url, body }: ShownRequest): string {
  const options = [
    // Otherwise curl reads brackets and braces as patterns.
    ...(/[[\]{}]/.test(url) ? ['--globoff'] : []),
    ...(method === 'GET' ? [] : [`--request ${quote(method)}`]),
    '--header "Authorization: Bearer $TOKEN"',
    ...(body === undefined
      ? []
      : ["--header 'Content-Type: application/json'", `--data-raw ${quote(JSON.stringify(body))}`]),
  ]
  return [`curl ${quote(url)}`, ...options].join(' \\\n  ')
}

/** Quotes a word: inside single quotes, a POSIX shell interprets nothing. */
function quote(word: string): string {
  return /^[A-Za-z]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}
