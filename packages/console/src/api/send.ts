import { base } from '../base.js'
import { recordAnswer, recordSilence } from './connection.js'
import { type ProblemBody, problemIn, unreachable } from './problem.js'
import { recordRefusal } from './refused-access.js'
import { askToStepUp } from './step-up.js'

/** The refusals of access tokens that a refresh replaces by a valid one. */
const renewable: ReadonlySet<string> = new Set(['token_expired', 'reissue_required'])

let refreshing: Promise<boolean> | undefined

/**
 * Sends a request with the cookies of the session. Renews an expired token, and asks the
 * administrator to authenticate again where the server demands it. A browser without a session is
 * led to the sign-in page.
 */
export async function send(request: Request): Promise<Response> {
  const response = await attempt(request)
  const problem = await problemOf(response)
  if (problem === undefined) return response
  recordRefusal(problem.code)
  if (problem.status === 401) {
    if (renewable.has(problem.code) && (await refresh())) return attempt(request)
    leadToSignIn()
  }
  if (problem.code === 'recent_authentication_required' && (await askToStepUp(problem.methods ?? []))) {
    return attempt(request)
  }
  return response
}

/** Sends a request of the console, in cookie mode, once. */
export async function attempt(request: Request): Promise<Response> {
  const sent = new Request(request.clone(), { credentials: 'same-origin', cache: 'no-store' })
  sent.headers.set('Latchkey-Mode', 'cookie')
  try {
    const response = await fetch(sent)
    recordAnswer(response)
    return response
  } catch (error) {
    if (request.signal.aborted) throw error
    recordSilence()
    return Response.json(unreachable, { status: 503 })
  }
}

/** Leaves the console for the sign-in page, which leads back to this page. */
export function leadToSignIn(): void {
  location.assign(`${base}/sign-in?return_to=${encodeURIComponent(location.href)}`)
}

async function problemOf(response: Response): Promise<ProblemBody | undefined> {
  if (response.ok) return undefined
  const body: unknown = await response
    .clone()
    .json()
    .catch(() => undefined)
  return problemIn(body, response.status)
}

/** Requests that need a new token at the same time share one refresh. */
function refresh(): Promise<boolean> {
  const url = new URL(`${base}/v1/refresh`, location.href)
  refreshing ??= attempt(new Request(url, { method: 'POST' }))
    .then(({ ok }) => ok)
    .finally(() => {
      refreshing = undefined
    })
  return refreshing
}
