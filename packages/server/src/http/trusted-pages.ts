import type { FastifyRequest } from 'fastify'

/**
 * The pages that may use the cookies of this server: its own pages, and those of listed origins.
 * Browsers state the page in headers that scripts cannot set (Fetch §3.2, Fetch Metadata §2.1). A
 * request without these headers is refused, because every browser sends one of them.
 */
export class TrustedPages {
  readonly #origins: ReadonlySet<string>

  /**
   * `origins`: as browsers send them, such as `https://app.example.com`. They are compared as text.
   */
  constructor(origins: readonly string[]) {
    this.#origins = new Set(origins)
  }

  /** Returns whether a trusted page has sent the request. */
  sent({ headers }: Pick<FastifyRequest, 'headers'>): boolean {
    const site = headers['sec-fetch-site']
    if (site === 'same-origin') return true
    if (site !== undefined && site !== 'same-site') return false
    return headers.origin !== undefined && this.#origins.has(headers.origin)
  }
}
