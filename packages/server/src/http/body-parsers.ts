import { Problem } from '../problem.js'
import type { App } from './app.js'

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Reads bodies as JSON and nothing else, and only if they are UTF-8 as they stand (RFC 8259 §8.1). */
export function addBodyParsers(app: App): void {
  const parseJson = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser<Buffer>('application/json', { parseAs: 'buffer' }, (request, bytes, done) => {
    const text = decode(bytes)
    if (text === undefined) done(new Problem('body_malformed'))
    else parseJson(request, text, done)
  })
}

/** Reads bodies as the forms that OAuth sends (RFC 6749 appendix B): each parameter once, and those without a value as if they were not there (§3.2). */
export function addFormParser(app: App): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser<Buffer>('application/x-www-form-urlencoded', { parseAs: 'buffer' }, (_, bytes, done) => {
    const text = decode(bytes)
    if (text === undefined) done(new Problem('body_malformed'))
    else parseForm(text, done)
  })
}

function parseForm(text: string, done: (error: Error | null, body?: unknown) => void): void {
  const parameters = [...new URLSearchParams(text)]
  const form = new Map(parameters)
  if (form.size === parameters.length) done(null, Object.fromEntries(parameters.filter(([, value]) => value !== '')))
  else done(new Problem('parameters_malformed'))
}

function decode(bytes: Buffer): string | undefined {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}
