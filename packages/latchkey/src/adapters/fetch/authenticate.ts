import type { Auth } from '../../auth.js'
import type { UntypedClaims } from '../../claims/check-claims.js'
import { checkGuard, identify, type Verifier } from '../../http/guard.js'
import type { GuardOptions, RequiredGuardOptions } from '../../http/guard-options.js'
import { parametersOf } from '../../http/parameters.js'
import { isForm } from '../../http/take-token.js'
import { webCarrier } from '../../http/web-request.js'
import type { MaybePromise } from '../../maybe-promise.js'

/**
 * Returns the identity of the token that a Web request carries, in any runtime with `Request` and
 * `Response`. With `body` as a source, a copy of the body is read. A body that was read before
 * carries no token.
 *
 * @param options Further places that may carry the token.
 * @returns The identity: synchronously if everything needed is in memory, else as a promise.
 * @throws LatchkeyError the refusals of `latchkey.verify`, `credentials_missing`,
 * `credentials_ambiguous`, `credentials_malformed` and `csrf_refused`. `problemResponse` makes a
 * response of one.
 * @throws TypeError if an argument is wrong
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
export function authenticate<C extends object = UntypedClaims>(
  latchkey: Verifier<C>,
  request: Request,
  options?: GuardOptions & RequiredGuardOptions,
): MaybePromise<Auth<C>>
/** With `optional`, returns `undefined` for a request without credentials. */
export function authenticate<C extends object = UntypedClaims>(
  latchkey: Verifier<C>,
  request: Request,
  options: GuardOptions,
): MaybePromise<Auth<C> | undefined>
export function authenticate<C extends object>(
  latchkey: Verifier<C>,
  request: Request,
  options: GuardOptions = {},
): MaybePromise<Auth<C> | undefined> {
  checkGuard(latchkey, options)
  const identifyWith = (body: unknown) => identify(latchkey, webCarrier(request, body, options), options)
  if (options.body !== true || !carriesForm(request)) return identifyWith(undefined)
  const reading = request.clone().formData()
  return reading.then(parametersOf, () => undefined).then(identifyWith)
}

function carriesForm({ method, headers, bodyUsed }: Request): boolean {
  return !bodyUsed && isForm(headers.get('content-type') ?? undefined) && method !== 'GET' && method !== 'HEAD'
}
