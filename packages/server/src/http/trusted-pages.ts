import type { FastifyRequest } from 'fastify'

/**
 * The pages that may use what a browser keeps for this server: its own, and those of listed origins. Whether a request comes from one is what the browser says in
 * headers that no page can set (Fetch §3.2, Fetch Metadata §2.1). A request that says neither is trusted by nobody: no browser sends it.
 */
export class TrustedPages {
  readonly #origins: ReadonlySet<string>

  /** `origins`: as browsers write them, such as `https://app.example.com`. They are compared as texts. */
  constructor(origins: readonly string[]) {
    this.#origins = new Set(origins)
  }

  /** Whether a browser says that a trusted page has sent the request. */
  sent({ headers }: Pick<FastifyRequest, 'headers'>): boolean {
    const site = headers['sec-fetch-site']
    if (site === 'same-origin') return true
    if (site !== undefined && site !== 'same-site') return false
    return headers.origin !== undefined && this.#origins.has(headers.origin)
  }
}
