import type { App } from '../http/app.js'
import { httpFailures } from '../http/failures.js'
import { Type } from '../http/type.js'
import { ConsoleFiles } from './console-files.js'

/**
 * The policy of the console: files of this origin alone. Charts and dialogs set styles by scripts,
 * which needs no exception for styles in the document.
 */
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"

const options = { schema: { hide: true }, config: { limit: 'none', page: true }, logLevel: 'warn' } as const

/**
 * The web console. These routes are public and hold no data: the console reads everything from the
 * API, with the rights of the account that is signed in.
 */
export async function consoleRoutes(app: App, { issuer }: { readonly issuer: string }): Promise<void> {
  const files = new ConsoleFiles(new URL(issuer).pathname.replace(/\/$/, ''))
  addDocument(app, files)
  addAssets(app, files)
}

/** GET /console and all paths below, between which the script in the document distinguishes. */
function addDocument(app: App, files: ConsoleFiles): void {
  for (const path of ['/console', '/console/*']) {
    app.get(path, options, async (_, reply) => {
      reply.headers({ 'Content-Security-Policy': policy, 'Referrer-Policy': 'same-origin' })
      return reply.type('text/html; charset=utf-8').send(files.document())
    })
  }
}

/** GET /console/assets/:name */
function addAssets(app: App, files: ConsoleFiles): void {
  const schema = { hide: true, params: Type.Object({ name: Type.String({ maxLength: 100 }) }) } as const
  app.get('/console/assets/:name', { ...options, schema }, async (request, reply) => {
    const file = files.asset(request.params.name)
    if (file === undefined) throw httpFailures.refusal('route_unknown')
    const { type, content, compressed } = file
    // The names contain a hash of the content.
    reply.headers({ 'Cache-Control': 'public, max-age=31536000, immutable', Vary: 'Accept-Encoding' })
    reply.type(type)
    // Loaded with the first request: most processes never serve the console.
    const { default: Negotiator } = await import('negotiator')
    const takesBrotli = new Negotiator(request.raw).encodings(['br', 'identity'])[0] === 'br'
    if (compressed === undefined || !takesBrotli) return reply.send(content)
    return reply.header('Content-Encoding', 'br').send(compressed)
  })
}
