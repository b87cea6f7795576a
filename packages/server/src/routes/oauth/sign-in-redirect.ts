/** The page that a browser asked a proxy for, as the proxy names it. */
export interface ForwardedPage {
  readonly scheme: string | undefined
  /** With the port, as in a `Host` header. */
  readonly host: string | undefined
  /** The path and the query, as sent. */
  readonly uri: string | undefined
}

/** The sign-in page accepts no longer URL to return to. */
const maxLength = 2048

/**
 * Leads browsers that are not signed in from an application to the sign-in page, and names the page
 * that the browser returns to afterwards.
 */
export class SignInRedirect {
  readonly #page: string
  readonly #origins: ReadonlySet<string>

  /**
   * @param issuer - The public base URL of this server.
   * @param returnOrigins - Origins of applications, as browsers write them. Those on another host,
   *   or with another scheme, are left out: the session cookie is not sent to them, so that they
   *   would send the browser to the sign-in page again and again.
   */
  constructor(issuer: string, returnOrigins: readonly string[]) {
    const own = new URL(issuer)
    const getsCookie = ({ protocol, hostname }: URL) => protocol === own.protocol && hostname === own.hostname
    const origins = [own.origin, ...returnOrigins].filter((origin) => getsCookie(new URL(origin)))
    this.#page = new URL(`${issuer}/sign-in`).href
    this.#origins = new Set(origins)
  }

  /**
   * Returns the URL of the sign-in page that leads back to `page`, or `undefined` if a sign-in may
   * not lead there.
   *
   * Clients may choose every part of `page`. The result therefore contains the text of a parsed
   * URL whose origin is allowed, never the parts themselves.
   */
  locationFor(page: ForwardedPage): string | undefined {
    const url = urlOf(page)
    if (url === undefined || !this.#origins.has(url.origin)) return undefined
    // A proxy that protects the sign-in page itself must not cause an endless redirect.
    if (url.origin + url.pathname === this.#page) return undefined
    const target = url.href.length <= maxLength ? url.href : `${url.origin}/`
    return `${this.#page}?return_to=${encodeURIComponent(target)}`
  }
}

function urlOf({ scheme = '', host = '', uri = '' }: ForwardedPage): URL | undefined {
  if (!/^https?$/.test(scheme) || !/^[A-Za-z0-9._:[\]-]+$/.test(host)) return undefined
  // From a path that no browser sends, the user returns to the front page.
  const path = /^\/[\x21-\x22\x24-\x7e]*$/.test(uri) ? uri : '/'
  // Browsers read a backslash in a path as a slash, so that the sign-in page refuses it.
  const text = `${scheme}://${host}${path.replaceAll('\\', '%5C')}`
  return URL.canParse(text) ? new URL(text) : undefined
}
