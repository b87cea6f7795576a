import type { Auth } from '../../auth.js'
import { identify } from '../../http/identify.js'
import { isForm, type TokenSources } from '../../http/take-token.js'
import { parametersOf, webCarrier } from '../../http/web-request.js'
import type { Latchkey } from '../../latchkey-api.js'
import type { MaybePromise } from '../../maybe-promise.js'

/**
 * Returns the identity of the token that a Web request carries, in any runtime with `Request` and
 * `Response`. With `body` as a source, a copy of the body is read.
 *
 * @param sources Further places that may carry the token.
 * @returns The identity: synchronously if everything needed is in memory, else as a promise.
 * @throws LatchkeyError the refusals of `latchkey.verify`, `credentials_missing`,
 * `credentials_ambiguous` and `credentials_malformed`. `problemResponse` makes a response of one.
 * @example
 * ```ts
 * import { createLatchkey, remoteJwks } from 'latchkey'
 * import { authenticate, problemResponse } from 'latchkey/fetch'
 *
 * const keys = remoteJwks('https://auth.example/jwks.json')
 * const latchkey = createLatchkey({ issuer: 'https://auth.example', audience: 'api', keys })
 * export async function handle(request: Request): Promise<Response> {
 *   try {
 *     return Response.json({ id: (await authenticate(latchkey, request)).subject })
 *   } catch (error) {
 *     return problemResponse(error)
 *   }
 * }
 * ```
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
