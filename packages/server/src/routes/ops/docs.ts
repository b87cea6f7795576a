import '@fastify/swagger'
import type { ApiDocument } from '../../docs/api-document.js'
import { docsStyle } from '../../docs/docs-style.js'
import { renderDocs } from '../../docs/render-docs.js'
import type { App } from '../../http/app.js'

/** The page has no script, no frame and no form, and loads nothing from other hosts. */
const policy = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/** GET /docs · /docs/style.css */
export function addDocs(app: App): void {
  let page: string | undefined
  app.get('/docs', { schema: { hide: true } }, async (_, reply) => {
    page ??= renderDocs(app.swagger() as unknown as ApiDocument)
    reply.headers({ 'Content-Security-Policy': policy, 'Cache-Control': 'public, max-age=300' })
    return reply.type('text/html; charset=utf-8').send(page)
  })
  app.get('/docs/style.css', { schema: { hide: true } }, async (_, reply) => {
    reply.header('Cache-Control', 'public, max-age=300')
    return reply.type('text/css; charset=utf-8').send(docsStyle)
  })
}
