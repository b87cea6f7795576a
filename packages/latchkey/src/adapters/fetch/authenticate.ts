import type { Auth } from '../../auth.js'
import { identify } from '../../http/identify.js'
import { isForm, type TokenSources } from '../../http/take-token.js'
import { parametersOf, webCarrier } from '../../http/web-request.js'
import type { Latchkey } from '../../latchkey.js'
import type { MaybePromise } from '../../maybe-promise.js'

/**
 * Who the token of a Web request speaks for, in any runtime with `Request` and `Response`. The value itself when everything needed is in memory, else a
 * promise. Throws or rejects with a LatchkeyError; `problemResponse` answers it. With `body` as a source a copy of the body is read.
 *
 * @example
 * try {
 *   const { subject } = await authenticate(latchkey, request)
 *   return Response.json({ id: subject })
 * } catch (error) {
 *   return problemResponse(error)
 * }
 */
export function authenticate(
  latchkey: Pick<Latchkey, 'verify'>,
  request: Request,
  sources: TokenSources = {},
): MaybePromise<Auth> {
  if (sources.body !== true || !carriesForm(request)) return verifyWith(latchkey, request, sources, undefined)
  const reading = request.clone().formData()
  return reading.then(parametersOf, () => undefined).then((body) => verifyWith(latchkey, request, sources, body))
}

function verifyWith(
  latchkey: Pick<Latchkey, 'verify'>,
  request: Request,
  sources: TokenSources,
  body: unknown,
): MaybePromise<Auth> {
  return identify(latchkey, webCarrier(request, body, sources), sources)
}

function carriesForm({ method, headers }: Request): boolean {
  return isForm(headers.get('content-type') ?? undefined) && method !== 'GET' && method !== 'HEAD'
}
