import type { FastifyServerOptions } from 'fastify'
import type { LogLevel } from '../config/settings.js'
import { clientAddress } from '../http/client-address.js'

/** Members that are redacted in every logged object. */
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

/** The severities of Cloud Logging (`LogSeverity`) by log level. */
const severities: Readonly<Record<string, string>> = {
  trace: 'DEBUG',
  debug: 'DEBUG',
  info: 'INFO',
  warn: 'WARNING',
  error: 'ERROR',
  fatal: 'CRITICAL',
}

/**
 * Returns the options of the logger: JSON lines on standard output. A request is logged with its
 * method, its path without the query, and its address, but never with headers or body.
 */
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

/** Longer than every ID of this server, so that the segment may be a token. */
const longSegment = /[^/]{40,}/g

/** Returns the path of a request without segments that may be tokens. */
function pathOf(url: string): string {
  return (url.split('?', 1)[0] ?? '').replaceAll(longSegment, '[long]')
}

/**
 * The logged members of an error. Others are omitted, because drivers attach the values of a
 * statement.
 */
type ErrorEntry = { type: string; message: string; stack: string; [member: string]: unknown }

function errorEntry(error: unknown): ErrorEntry {
  if (!(error instanceof Error))
    return { type: typeof error, message: 'A value that is not an Error was thrown.', stack: '' }
  const { name: type, message, stack = '', cause } = error
  return {
    type,
    message,
    ...('code' in error ? { code: error.code } : {}),
    stack,
    ...(cause instanceof Error && cause !== error ? { cause: errorEntry(cause) } : {}),
  }
}
