import { base } from '../base.js'
import { recordAnswer, recordSilence } from './connection.js'
import { type ProblemBody, problemIn, stepUpCancelled, unreachable } from './problem.js'
import { recordRefusal } from './refused-access.js'
import { askToStepUp } from './step-up.js'

/**
 * The refusals of access tokens that a refresh replaces by a valid one. `session_ended`: a step-up
 * has renewed the session after this request was sent.
 */
const renewable: ReadonlySet<string> = new Set(['token_expired', 'reissue_required', 'session_ended'])

let refreshing: Promise<boolean> | undefined

/**
 * Sends a request with the cookies of the session. Renews an expired token, and asks the
 * administrator to authenticate again where the server demands it. A browser without a session is
 * led to the sign-in page.
 */
export async function send(request: Request): Promise<Response> {
  const response = await sendRenewed(request)
  const problem = await problemOf(response)
  if (problem === undefined) return response
  recordRefusal(problem.code)
  if (problem.code === 'recent_authentication_required') {
    const { status } = stepUpCancelled
    return (await askToStepUp(problem.methods ?? [])) ? attempt(request) : Response.json(stepUpCancelled, { status })
  }
  if (problem.status === 401) leadToSignIn()
  return response
}

/** Sends a request, and once more with a renewed token if its token has expired. */
export async function sendRenewed(request: Request): Promise<Response> {
  const response = await attempt(request)
  const code = (await problemOf(response))?.code ?? ''
  return renewable.has(code) && (await refresh()) ? attempt(request) : response
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
