import type { FastifyRequest } from 'fastify'
import type { App } from './app.js'

/** Headers in which proxies report the client. */
const forwardingHeaders = ['forwarded', 'x-forwarded-for', 'x-real-ip'] as const

/**
 * Detects a proxy that is not in TRUSTED_PROXIES. All clients behind it would count as one client.
 */
export class ForwardingWatch {
  #seen = false

  /** Checks every request of the app, and logs the first finding. */
  constructor(app: App, isTrusted: (address: string | undefined) => boolean) {
    app.addHook('onRequest', async (request) => {
      if (this.#seen || isTrusted(request.socket.remoteAddress) || !isForwarded(request)) return
      this.#seen = true
      app.log.warn(
        { peer: request.socket.remoteAddress },
        'A peer that is not in TRUSTED_PROXIES sent a forwarding header. Such headers are ignored; add the peer if it is your proxy.',
      )
    })
  }

  /** Whether an untrusted peer has sent a forwarding header. */
  get seen(): boolean {
    return this.#seen
  }
}

/** Returns whether the request has a forwarding header. */
export function isForwarded({ headers }: Pick<FastifyRequest, 'headers'>): boolean {
  return forwardingHeaders.some((name) => headers[name] !== undefined)
}
