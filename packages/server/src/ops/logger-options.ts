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
]

/** JSON lines on standard output. A request is logged with method, path without query, and address; never with its headers or body. */
export function loggerOptions(level: LogLevel): FastifyServerOptions['logger'] {
  return {
    level,
    redact: redacted,
    serializers: {
      req: (request) => ({
        method: request.method,
        path: request.url.split('?', 1)[0],
        address: clientAddress(request),
      }),
    },
  }
}
