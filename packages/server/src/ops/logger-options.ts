import type { FastifyServerOptions } from 'fastify'
import type { LogLevel } from '../config/settings.js'
import { clientAddress } from '../http/client-address.js'

/** What must never be in the log, wherever an object that is logged holds it. */
const redacted = [
  'req.headers.authorization',
  'req.headers.cookie',
  '*.password',
  '*.current_password',
  '*.new_password',
  '*.access_token',
  '*.refresh_token',
  '*.device_token',
  '*.subject_token',
  '*.client_secret',
  '*.token',
]

/** The severities of Cloud Logging (`LogSeverity`) by the names of our levels. */
const severities: Readonly<Record<string, string>> = {
  trace: 'DEBUG',
  debug: 'DEBUG',
  info: 'INFO',
  warn: 'WARNING',
  error: 'ERROR',
  fatal: 'CRITICAL',
}

/** JSON lines on standard output. A request is logged with method, path without query, and address; never with its headers or body. */
export function loggerOptions(level: LogLevel): FastifyServerOptions['logger'] {
  return {
    level,
    redact: redacted,
    formatters: { level: (label, number) => ({ level: number, severity: severities[label] ?? 'DEFAULT' }) },
    serializers: {
      req: (request) => ({
        method: request.method,
        path: pathOf(request.url),
        address: clientAddress(request),
      }),
      err: errorEntry,
    },
  }
}

/** Longer than any ID of ours: whatever it is, it may have been meant to stay between two. */
const longSegment = /[^/]{40,}/g

/** The path of a request, without what may be a token that somebody has put there. */
function pathOf(url: string): string {
  return (url.split('?', 1)[0] ?? '').replaceAll(longSegment, '[long]')
}

/** An error as it is logged: drivers hang the values of a statement on theirs, so nothing else of it is taken. */
type ErrorEntry = { type: string; message: string; stack: string; [member: string]: unknown }

function errorEntry(error: unknown): ErrorEntry {
  if (!(error instanceof Error))
    return { type: typeof error, message: 'Something that is no error was thrown.', stack: '' }
  const { name: type, message, stack = '', cause } = error
  return {
    type,
    message,
    ...('code' in error ? { code: error.code } : {}),
    stack,
    ...(cause instanceof Error && cause !== error ? { cause: errorEntry(cause) } : {}),
  }
}
