import { describeStatus, type RequestLimits, readBytes, reasonOf, withinLimits } from '../remote-response.js'
import { checkRemoteUrl, placeOf } from '../remote-url.js'

/** The maximum size of a JWKS. Usual ones have a few thousand bytes. */
const maxBytes = 262_144

/** Returns the URL if a JWKS may be fetched from it. Throws a TypeError for any other URL. */
export function checkJwksUrl(text: string | URL, { allowHttp }: { readonly allowHttp: boolean }): URL {
  return checkRemoteUrl(text, { resource: 'a JWKS', example: 'https://host/.well-known/jwks.json', allowHttp })
}

/**
 * Returns the entries of the member `keys` of the JWKS at this URL (RFC 7517 §5), unchecked.
 * Follows no redirect. Throws an error with the reason if there is no usable response.
 */
export async function fetchJwks(url: URL, limits: RequestLimits): Promise<readonly unknown[]> {
  try {
    return await withinLimits(limits, (signal) => readJwks(url, signal))
  } catch (error) {
    throw new Error(`The JWKS at ${placeOf(url)} cannot be used: ${reasonOf(error)}.`, { cause: error })
  }
}

async function readJwks(url: URL, signal: AbortSignal): Promise<readonly unknown[]> {
  const accept = 'application/jwk-set+json, application/json'
  const response = await fetch(url, { headers: { accept }, redirect: 'manual', signal })
  if (response.status !== 200) {
    await response.body?.cancel()
    throw new Error(describeStatus(response))
  }
  const parsed = parseJson(await readBytes(response, maxBytes))
  const keys = typeof parsed === 'object' && parsed !== null && 'keys' in parsed ? parsed.keys : undefined
  if (!Array.isArray(keys)) throw new Error('it has no list of keys')
  return keys
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
