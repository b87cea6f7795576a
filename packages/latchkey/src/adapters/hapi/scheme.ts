import type { IncomingHttpHeaders } from 'node:http'
import type { Request, ResponseToolkit, ResponseValue, Server, ServerAuthSchemeObject } from '@hapi/hapi'
import { type Auth, tokenOf } from '../../auth.js'
import { isLatchkeyError, type LatchkeyError } from '../../errors.js'
import { createGuard } from '../../http/guard.js'
import { nodeCarrier } from '../../http/node-request.js'
import type { TokenCarrier, TokenSources } from '../../http/take-token.js'
import { authOf, identityIn } from './auth-of.js'
import type { HapiGuardOptions } from './guard-options.js'
import { toBoom } from './to-boom.js'

/**
 * The authentication scheme, for `server.auth.scheme`. The `plugin` registers it as `latchkey`.
 *
 * `credentials.scope` are the scopes of the stored grants, for `access.scope` of a route, and
 * `credentials.user.id` is the subject. Do not forbid scopes there (`!name`): a token can narrow
 * its scope, and so leave one out. `artifacts.auth` is the identity, which `authOf` returns.
 * With `auth.payload: 'required'` a route checks the token once more when the body has arrived, and
 * `server.auth.verify(request)` does so at any time.
 *
 * @throws TypeError if an option is wrong
 * @example
 * ```ts
 * import Hapi from '@hapi/hapi'
 * import { createLatchkey, remoteJwks } from 'latchkey'
 * import { scheme } from 'latchkey/hapi'
 *
 * const keys = remoteJwks('https://auth.example/jwks.json')
 * const latchkey = createLatchkey({ issuer: 'https://auth.example', audience: 'api', keys })
 * const server = Hapi.server()
 * server.auth.scheme('bearer', scheme)
 * server.auth.strategy('token', 'bearer', { latchkey, cookie: '__Host-token' })
 * ```
 */
export function scheme(_server: Server, options?: object): ServerAuthSchemeObject {
  const { latchkey, ...guardOptions } = (options ?? {}) as HapiGuardOptions
  if ('optional' in guardOptions || 'body' in guardOptions) {
    throw new TypeError('optional and body are no options here: use the auth.mode of routes, and no token in bodies.')
  }
  const guard = createGuard(latchkey, guardOptions)
  const checkAgain = async (auth: Auth<object> | undefined) => {
    try {
      await latchkey.verify((auth && tokenOf(auth)) ?? '')
    } catch (error) {
      throw isLatchkeyError(error) ? toBoom(error) : error
    }
  }
  return {
    async authenticate(request, h) {
      try {
        return h.authenticated(proofOf(await guard(carrierOf(request, guardOptions))))
      } catch (error) {
        if (!isLatchkeyError(error)) throw error
        return refuse(error, request, h, guardOptions.onRefusal)
      }
    },
    async payload(request, h) {
      await checkAgain(authOf(request))
      return h.continue
    },
    verify: ({ artifacts }) => checkAgain(identityIn(artifacts)),
  }
}

/** hapi has the methods of requests in lower case. Its headers are those of Node.js. */
function carrierOf({ method, headers, query, raw }: Request, sources: TokenSources): TokenCarrier {
  const request = {
    method: method.toUpperCase(),
    headers: headers as IncomingHttpHeaders,
    rawHeaders: raw.req.rawHeaders,
  }
  return nodeCarrier(request, { body: undefined, query }, sources)
}

function proofOf(auth: Auth<object> | undefined) {
  // The guard returns no identity only if it is optional, which the options exclude.
  if (auth === undefined) throw new TypeError('There is no identity.')
  const scope = auth.grants.scope.split(' ').filter((name) => name !== '')
  return { credentials: { user: { id: auth.subject }, scope }, artifacts: { auth } }
}

async function refuse(
  error: LatchkeyError,
  request: Request,
  h: ResponseToolkit,
  onRefusal: HapiGuardOptions['onRefusal'],
) {
  const boom = toBoom(error)
  if (error.code === 'credentials_missing' && mayContinue(request)) throw Object.assign(boom, { isMissing: true })
  const response = await onRefusal?.(error, request, h)
  if (response === undefined) throw boom
  return h.response(response as ResponseValue).takeover()
}

/**
 * Returns whether a request without credentials can still pass: by another strategy, or because the
 * route needs none. hapi recognises such a refusal by `isMissing`, and replaces its response by one
 * without a code.
 */
function mayContinue({ auth, route, server }: Request): boolean {
  const { strategies = [] } = route.settings.auth || server.auth.settings.default
  return auth.mode !== 'required' || strategies.length > 1
}
