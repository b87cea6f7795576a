import { isError } from './is-error.js'
import { clearTimeout, setTimeout } from './timers.js'

/** The limits of a request to another service. */
export interface RequestLimits {
  readonly timeoutMs: number
  /** Aborts the request. */
  readonly signal: AbortSignal
}

/**
 * Runs a request, with a signal that aborts it after `timeoutMs` or together with the given signal.
 */
export async function withinLimits<T>(
  { timeoutMs, signal }: RequestLimits,
  request: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  // Not AbortSignal.any: Node.js 20 garbage-collects its result before a timeout fires
  // (nodejs/node#57736).
  const ending = new AbortController()
  const close = () => ending.abort(new Error('closed'))
  const timer = setTimeout(() => ending.abort(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs)
  signal.addEventListener('abort', close)
  try {
    return await request(ending.signal)
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', close)
  }
}

/** Returns the decompressed body of a response. Throws a RangeError for more than `maxBytes`. */
export async function readBytes({ body }: Response, maxBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of body ?? []) {
    bytes += chunk.length
    if (bytes > maxBytes) throw new RangeError(`more than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** Returns the status of an unusable response, for the reason of a failure. */
export function describeStatus({ status, headers }: Response): string {
  return `status ${status}${headers.has('location') ? ', a redirect' : ''}`
}

/**
 * Returns the innermost cause of an error, such as the system error of a connection: the error of
 * `fetch` itself has only a general message.
 */
export function rootCauseOf(error: unknown): unknown {
  return isError(error) && error.cause !== undefined ? rootCauseOf(error.cause) : error
}

/** Returns the reason of a failed request for the operator. */
export function reasonOf(error: unknown): string {
  const root = rootCauseOf(error)
  if (!isError(root)) return String(root)
  // An attempt at several addresses, such as those of localhost, has a code but no message.
  return root.message === '' && 'code' in root ? String(root.code) : root.message
}
