import { request as send } from 'node:http'
import type { SentRequest } from './requests.js'

export interface Answer {
  readonly status: number
  readonly challenge: string | undefined
  readonly retryAfter: string | undefined
  readonly location: string | undefined
  readonly text: string
}

/** Sends a request to a port of this machine, on a connection of its own. */
export function call(
  port: number,
  { method = 'GET', path = '/header', headers = [], body }: SentRequest,
  signal?: AbortSignal,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const host = ['Host', '127.0.0.1']
    const length = body === undefined ? [] : ['Content-Length', String(Buffer.byteLength(body))]
    const sent = send(
      {
        host: '127.0.0.1',
        port,
        method,
        path,
        agent: false,
        headers: [...host, ...headers, ...length],
        ...(signal === undefined ? {} : { signal }),
      },
      (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (chunk) => (text += chunk))
        const { 'www-authenticate': challenge, 'retry-after': retryAfter, location } = response.headers
        response.on('end', () => resolve({ status: response.statusCode ?? 0, challenge, retryAfter, location, text }))
      },
    )
    sent.on('error', reject)
    sent.end(body)
  })
}
