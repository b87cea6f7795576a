import type { FastifyRequest } from 'fastify'
import type { App } from './app.js'

/** How proxies say for whom they ask. */
const forwardingHeaders = ['forwarded', 'x-forwarded-for', 'x-real-ip'] as const

/** Notices a proxy that nobody has declared: everybody behind it would count as one client. */
export class ForwardingWatch {
  #seen = false

  /** Looks at every request of the app; what is found is logged once. */
  constructor(app: App, isTrusted: (address: string | undefined) => boolean) {
    app.addHook('onRequest', async (request) => {
      if (this.#seen || isTrusted(request.socket.remoteAddress) || !isForwarded(request)) return
      this.#seen = true
      app.log.warn(
        { peer: request.socket.remoteAddress },
        'A forwarding header came from a peer that is not in TRUSTED_PROXIES; it is ignored, and so will be all others.',
      )
    })
  }

  /** Whether somebody untrusted has sent a forwarding header. */
  get seen(): boolean {
    return this.#seen
  }
}

/** Whether the request says that somebody else passed it on. */
export function isForwarded({ headers }: Pick<FastifyRequest, 'headers'>): boolean {
  return forwardingHeaders.some((name) => headers[name] !== undefined)
}
