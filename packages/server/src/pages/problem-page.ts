import { html } from '../html.js'
import type { AnswerBrowser } from '../http/problem-answer.js'
import type { Pages } from './pages.js'

/** The paths that answer programs: a refusal there is a problem document for every client. */
const apiPaths = /^\/(?:v1|oauth|\.well-known|docs|openapi\.json|metrics|livez|readyz)(?:[/?]|$)/

/**
 * Returns the function that answers a browser with a small page instead of a problem document, for
 * pages and for paths that do not exist.
 */
export function problemPages(pages: Pages): AnswerBrowser {
  return async (refusal, request, reply) => {
    const { url, config } = request.routeOptions
    const isPage = config.page === true || (url === undefined && !apiPaths.test(request.url))
    if (!isPage || !acceptsHtml(request.headers.accept ?? '')) return false
    const page = await pages.open(request, reply)
    const main = html`<p class="alert" role="alert">${page.messages.problem(refusal.code)}</p>
<p class="links"><a href="${page.href('/')}">${page.t('common.continue')}</a></p>`
    page.send({ title: page.t('problem.title'), main }, refusal.statusCode)
    return true
  }
}

/** Returns whether a client names HTML itself, as browsers do, and not only any type. */
function acceptsHtml(accept: string): boolean {
  return accept.split(',').some((range) => /^\s*text\/html\s*(?:;|$)/i.test(range))
}
