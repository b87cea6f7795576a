import { isError } from '../is-error.js'
import { clearTimeout, setTimeout } from '../timers.js'

/** Options of a fetch. */
export interface FetchJwksOptions {
  readonly timeoutMs: number
  /** Aborts the fetch. */
  readonly signal: AbortSignal
}

/** Options of `checkJwksUrl`. */
export interface JwksUrlOptions {
  /** Whether plain http to other machines is allowed. */
  readonly allowHttp: boolean
}

/** The maximum size of a JWKS. Usual ones have a few thousand bytes. */
const maxBytes = 262_144

/**
 * Returns the URL if a JWKS may be fetched from it: over https, over http from this machine, or
 * over any http if the caller allows it. An attacker who can change the response can sign for every
 * subject. Throws a TypeError for any other URL.
 */
export function checkJwksUrl(text: string | URL, { allowHttp }: JwksUrlOptions): URL {
  if (!URL.canParse(String(text))) {
    throw new TypeError('remoteJwks needs the URL of a JWKS, such as https://host/.well-known/jwks.json.')
  }
  const url = new URL(text)
  const isLocal = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)
  const isAllowed = url.protocol === 'https:' || (url.protocol === 'http:' && (isLocal || allowHttp))
  if (!isAllowed) {
    throw new TypeError(
      'The URL of a JWKS must be https, or http on this machine; set allowHttp to allow http elsewhere.',
    )
  }
  if (url.username !== '' || url.password !== '')
    throw new TypeError('The URL of a JWKS must not contain credentials: remove user and password.')
  return url
}

/**
 * Returns the entries of the member `keys` of the JWKS at this URL (RFC 7517 §5), unchecked.
 * Follows no redirect. Throws an error with the reason if there is no usable response.
 */
export async function fetchJwks(url: URL, { timeoutMs, signal }: FetchJwksOptions): Promise<readonly unknown[]> {
  // Not AbortSignal.any: Node.js 20 garbage-collects its result before a timeout fires
  // (nodejs/node#57736).
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

/** Returns the URL for logs: without the query, which may contain a key. */
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
  if (!Array.isArray(keys)) throw new Error('it has no list of keys')
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
 * Parses JSON in UTF-8, with or without a byte order mark (RFC 8259 §8.1). The content type is
 * ignored, because many file servers send none for a JWKS.
 */
function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    // Without the message of the parser, which repeats the text.
    throw new Error('it is not JSON in UTF-8')
  }
}

/**
 * Returns the reason of a failed fetch for the operator; the error of `fetch` itself has only a
 * general message.
 */
function reasonOf(error: unknown): string {
  if (!isError(error)) return String(error)
  if (error.cause !== undefined) return reasonOf(error.cause)
  // An attempt at several addresses, such as those of localhost, has a code but no message.
  return error.message === '' && 'code' in error ? String(error.code) : error.message
}
