import type { FastifyRequest } from 'fastify'
import type { App } from './app.js'
import { httpFailures } from './failures.js'

type Done = (error: Error | null, body?: unknown) => void
type ParseText = (request: FastifyRequest, text: string, done: Done) => void

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Reads bodies as JSON and nothing else, and only if they are UTF-8 as they stand (RFC 8259 §8.1). */
export function addBodyParsers(app: App): void {
  const parseJson = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  addParser(app, 'application/json', (request, text, done) => {
    // Many clients name a type with every request; a route that takes no body has nothing to parse then.
    if (text === '' && !needsBody(request)) done(null)
    else parseJson(request, text, done)
  })
  addOtherTypes(app, 'Send "Content-Type: application/json".')
}

/** Reads bodies as the forms that OAuth sends (RFC 6749 appendix B): each parameter once, and those without a value as if they were not there (§3.2). */
export function addFormParser(app: App): void {
  app.removeAllContentTypeParsers()
  addParser(app, 'application/x-www-form-urlencoded', (_, text, done) => parseForm(text, done))
  addOtherTypes(app, 'Send "Content-Type: application/x-www-form-urlencoded".')
}

function addParser(app: App, type: string, parse: ParseText): void {
  app.addContentTypeParser<Buffer>(type, { parseAs: 'buffer' }, (request, bytes, done) => {
    if (bytes.length > 0 && isEncoded(request)) {
      done(httpFailures.refusal('content_encoding_unsupported'))
      return
    }
    const text = decode(bytes)
    if (text === undefined) done(httpFailures.refusal('body_malformed'))
    else parse(request, text, done)
  })
}

/** Refuses content of any other type; an empty body has none. */
function addOtherTypes(app: App, hint: string): void {
  app.addContentTypeParser<Buffer>('*', { parseAs: 'buffer' }, (_, bytes, done) => {
    if (bytes.length === 0) done(null)
    else done(httpFailures.refusal('unsupported_media_type', { hint }))
  })
}

/** Whether the route has a schema for a body that does not allow for none. */
function needsBody({ routeOptions }: FastifyRequest): boolean {
  const body = routeOptions.schema?.body as { readonly type?: unknown } | undefined
  if (body === undefined) return false
  return !(Array.isArray(body.type) && body.type.includes('null'))
}

/** Whether the content has gone through a coding such as gzip (RFC 9110 §8.4); none is undone here. */
function isEncoded({ headers }: FastifyRequest): boolean {
  const codings = headers['content-encoding']?.split(',') ?? []
  return codings.some((coding) => !['', 'identity'].includes(coding.trim().toLowerCase()))
}

function parseForm(text: string, done: Done): void {
  const parameters = [...new URLSearchParams(text)]
  const form = new Map(parameters)
  if (form.size === parameters.length) done(null, Object.fromEntries(parameters.filter(([, value]) => value !== '')))
  else done(httpFailures.refusal('parameters_malformed'))
}

function decode(bytes: Buffer): string | undefined {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}
