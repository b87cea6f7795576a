import { type ForwardedRequest, isRead } from './is-read.js'

/**
 * Returns whether a browser requests a page that it will show in a tab, so that a redirect to the
 * sign-in page is of use. Programs, scripts, images, frames and WebSockets need a status instead.
 * Browsers send no `Sec-Fetch-*` to hosts without https, so that `Accept` has to decide there.
 */
export function isNavigation(request: ForwardedRequest): boolean {
  const { method, headers } = request
  if (method !== 'GET' && method !== 'HEAD') return false
  if (headers.authorization !== undefined || !isRead(request)) return false
  const { 'sec-fetch-mode': mode = 'navigate', 'sec-fetch-dest': destination = 'document' } = headers
  return mode === 'navigate' && destination === 'document' && acceptsHtml(headers.accept ?? '')
}

/** Returns whether `Accept` (RFC 9110 §12.5.1) names HTML itself, and not only any type. */
function acceptsHtml(accept: string): boolean {
  return accept.split(',').some((range) => /^\s*text\/html\s*(;|$)/i.test(range) && !/;\s*q=0(\.0*)?\s*$/i.test(range))
}
