import type { FastifyRequest } from 'fastify'
import type { App } from './app.js'
import { httpFailures } from './failures.js'

type Done = (error: Error | null, body?: unknown) => void
type ParseText = (request: FastifyRequest, text: string, done: Done) => void

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Parses bodies only as JSON in unencoded UTF-8 (RFC 8259 §8.1). */
export function addBodyParsers(app: App): void {
  const parseJson = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  addParser(app, 'application/json', (request, text, done) => {
    // Many clients send a content type with every request, also without a body.
    if (text === '' && !needsBody(request)) done(null)
    else parseJson(request, text, done)
  })
  addOtherTypes(app, 'Send "Content-Type: application/json".')
}

/**
 * Parses bodies as the forms of OAuth (RFC 6749 appendix B). A parameter may occur once; one
 * without a value counts as absent (§3.2).
 */
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

/** Refuses every other content type, unless the body is empty. */
function addOtherTypes(app: App, hint: string): void {
  app.addContentTypeParser<Buffer>('*', { parseAs: 'buffer' }, (_, bytes, done) => {
    if (bytes.length === 0) done(null)
    else done(httpFailures.refusal('unsupported_media_type', { hint }))
  })
}

/** Returns whether the route requires a body. */
function needsBody({ routeOptions }: FastifyRequest): boolean {
  const body = routeOptions.schema?.body as { readonly type?: unknown } | undefined
  if (body === undefined) return false
  return !(Array.isArray(body.type) && body.type.includes('null'))
}

/**
 * Returns whether the content is encoded, for example with gzip (RFC 9110 §8.4). No coding is
 * supported.
 */
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
