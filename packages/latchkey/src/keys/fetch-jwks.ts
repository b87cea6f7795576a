/** How a key set is fetched. */
export interface FetchJwksOptions {
  readonly timeoutMs: number
  /** Ends the fetch when it is aborted. */
  readonly signal: AbortSignal
}

/** From where a key set may be fetched. */
export interface JwksUrlOptions {
  /** Whether plain http is allowed to other machines. */
  readonly allowHttp: boolean
}

/** A key set of more bytes is refused unread: real ones have a few thousand. */
const maxBytes = 262_144

/**
 * Returns the URL, if a key set may be fetched from there: an attacker who can change the answer
 * can sign for every subject, so it is HTTPS, or HTTP to this machine, or HTTP by the caller's
 * explicit choice. Throws a TypeError for any other.
 */
export function checkJwksUrl(text: string | URL, { allowHttp }: JwksUrlOptions): URL {
  if (!URL.canParse(String(text))) {
    throw new TypeError('remoteJwks takes the URL of a JWKS, as https://host/.well-known/jwks.json')
  }
  const url = new URL(text)
  const isLocal = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)
  const isAllowed = url.protocol === 'https:' || (url.protocol === 'http:' && (isLocal || allowHttp))
  if (!isAllowed) {
    throw new TypeError('A JWKS is fetched over https, or over http from this machine, or with allowHttp: true.')
  }
  if (url.username !== '' || url.password !== '') throw new TypeError('The URL of a JWKS carries no credentials.')
  return url
}

/**
 * Returns the members of `keys` of the JWK Set at this URL (RFC 7517 §5), as they came. Follows no
 * redirect. Fails with an Error that names the reason for any other answer, and for none.
 */
export async function fetchJwks(url: URL, { timeoutMs, signal }: FetchJwksOptions): Promise<readonly unknown[]> {
  // One controller of our own: what AbortSignal.any makes of a timeout is garbage-collected by Node
  // 20 before it fires (nodejs/node#57736).
  const ending = new AbortController()
  const close = () => ending.abort(new Error('closed'))
  const timer = setTimeout(() => ending.abort(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs)
  signal.addEventListener('abort', close)
  try {
    return await readJwks(url, ending.signal)
  } catch (error) {
    throw new Error(`The JWKS at ${placeOf(url)} cannot be used: ${reasonOf(error)}.`, { cause: error })
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', close)
  }
}

/** Returns the URL as it may be logged: without the query, which may hold a key. */
export function placeOf({ origin, pathname }: URL): string {
  return origin + pathname
}

async function readJwks(url: URL, signal: AbortSignal): Promise<readonly unknown[]> {
  const accept = 'application/jwk-set+json, application/json'
  const response = await fetch(url, { headers: { accept }, redirect: 'manual', signal })
  const { status } = response
  if (status !== 200) {
    await response.body?.cancel()
    throw new Error(`status ${status}${response.headers.has('location') ? ', a redirect' : ''}`)
  }
  const parsed = parseJson(await readBytes(response))
  const keys = typeof parsed === 'object' && parsed !== null && 'keys' in parsed ? parsed.keys : undefined
  if (!Array.isArray(keys)) throw new Error('no list of keys in it')
  return keys
}

async function readBytes({ body }: Response): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of body ?? []) {
    bytes += chunk.length
    if (bytes > maxBytes) throw new Error(`more than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/**
 * The content type does not count: many file servers have none for a JWKS. JSON is UTF-8, perhaps
 * with a byte order mark (RFC 8259 §8.1).
 */
function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    // Without the parser's own words, which repeat the text.
    throw new Error('no JSON in UTF-8')
  }
}

/** What went wrong, in words for the operator: `fetch` itself says no more than that it failed. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error.cause !== undefined) return reasonOf(error.cause)
  // An attempt at several addresses, as those of localhost, has a code and no message.
  return error.message === '' && 'code' in error ? String(error.code) : error.message
}
