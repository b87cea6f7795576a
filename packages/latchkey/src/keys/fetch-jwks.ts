/** How a key set is fetched. */
export interface FetchJwksOptions {
  readonly timeoutMs: number
  /** Ends the fetch when it is aborted. */
  readonly signal: AbortSignal
}

/** A key set of more bytes is refused unread: real ones have a few thousand. */
const maxBytes = 262_144

/**
 * The URL, if a key set may be fetched from there: whoever can change the answer can sign for everybody, so it is HTTPS, or HTTP to this very
 * machine. Throws a TypeError for any other.
 */
export function checkJwksUrl(text: string | URL): URL {
  const url = new URL(text)
  const isLocal = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)
  if (!(url.protocol === 'https:' || (url.protocol === 'http:' && isLocal))) {
    throw new TypeError('A JWKS is fetched over https, or over http from this machine.')
  }
  if (url.username !== '' || url.password !== '') throw new TypeError('The URL of a JWKS carries no credentials.')
  return url
}

/** The members of `keys` of the JWK Set at this URL (RFC 7517 §5), as they came. Follows no redirect. Fails with an Error for any other answer. */
export async function fetchJwks(url: URL, { timeoutMs, signal }: FetchJwksOptions): Promise<readonly unknown[]> {
  const response = await fetch(url, {
    headers: { accept: 'application/jwk-set+json, application/json' },
    redirect: 'error',
    signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
  })
  if (response.status !== 200) {
    await response.body?.cancel()
    throw new Error(`The JWKS was answered with status ${response.status}.`)
  }
  const parsed: unknown = JSON.parse(await readText(response))
  const keys = typeof parsed === 'object' && parsed !== null && 'keys' in parsed ? parsed.keys : undefined
  if (!Array.isArray(keys)) throw new Error('The answer is no JWK Set: it has no list of keys.')
  return keys
}

async function readText({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of body ?? []) {
    bytes += chunk.length
    if (bytes > maxBytes) throw new Error(`The JWKS has more than ${maxBytes} bytes.`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
