import { createServer } from 'node:http'
import {
  authenticate as authenticateFetch,
  problemResponse,
  requireClaim,
  requireRole,
  requireScope,
  sameOrigin,
} from '../../../../src/adapters/fetch/index.js'
import { authenticate as authenticateNode, sendProblem } from '../../../../src/adapters/node/index.js'
import type { Auth } from '../../../../src/auth.js'
import type { GuardOptions } from '../../../../src/http/guard-options.js'
import { claim, listen, replaceHeaders, replaceRequest, type Start, scopes, sources, trusted } from './application.js'
import { startWeb } from './hono.js'

type Identify = (options: GuardOptions) => Auth | undefined | Promise<Auth | undefined>
/** A check of an identity that is there. */
type Check = (auth: Auth) => unknown

const checks: Readonly<Record<string, Check>> = {
  '/scoped': requireScope(...scopes),
  '/role': requireRole('editor'),
  '/claim': requireClaim(...claim),
}

const options: Readonly<Record<string, GuardOptions>> = {
  '/everywhere': sources,
  '/optional': { ...sources, optional: true },
  '/trusted': { ...sources, csrf: sameOrigin({ trusted }) },
  '/unchecked': { ...sources, csrf: false },
}

/** Returns the body of the response to a request to one of the routes. */
async function answer(pathname: string, identify: Identify, further: GuardOptions): Promise<object> {
  if (pathname === '/unguarded') requireScope(...scopes)(undefined as never)
  if (pathname === '/unguarded-role') requireRole('editor')(undefined as never)
  if (pathname === '/unguarded-claim') requireClaim('plan')(undefined as never)
  const auth = await identify({ ...options[pathname], ...(pathname in options ? further : {}) })
  if (auth !== undefined) checks[pathname === '/optional-role' ? '/role' : pathname]?.(auth)
  if (pathname === '/throws') throw new Error('a mistake of the handler')
  return { subject: auth?.subject ?? null }
}

/** An application without a framework, as other runtimes run it. */
export const startFetch: Start = (latchkey) =>
  startWeb(async (arrived) => {
    const request = replaceRequest(arrived)
    const { pathname } = new URL(request.url)
    try {
      return Response.json(
        await answer(pathname, (found) => authenticateFetch(latchkey, request, found), { body: true }),
      )
    } catch (error) {
      return problemResponse(error)
    }
  })

/** A plain server of Node.js. */
export const startNode: Start = (latchkey) =>
  listen(
    createServer(async (req, res) => {
      replaceHeaders(req.headers)
      const { pathname } = new URL(req.url ?? '', 'http://server.test')
      try {
        res.end(JSON.stringify(await answer(pathname, (found) => authenticateNode(latchkey, req, found), {})))
      } catch (error) {
        sendProblem(res, error)
      }
    }),
  )
