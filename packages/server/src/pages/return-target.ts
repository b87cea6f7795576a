/** The origins that a page may lead to after a sign-in. */
export interface ReturnOrigins {
  /** The origin of this server, as browsers write it. */
  readonly own: string
  /** Origins of applications. */
  readonly listed: readonly string[]
}

/** A checked place to return to. */
export interface ReturnTarget {
  /** For the `Location` header: a path of this origin, or the URL of an application. */
  readonly location: string
  /** The origin of an application; `undefined` for a path of this origin. */
  readonly origin: string | undefined
}

const maxLength = 2048

/**
 * Visible ASCII without the backslash, which browsers read as a slash. Browsers ignore tabs and
 * line ends in URLs, and map other characters to ASCII, so that a check of the text would see
 * another URL than the browser.
 */
const plainText = /^[\x21-\x5b\x5d-\x7e]+$/

/**
 * Returns the place that a request asks to return to; `undefined` if it is on another origin, or if
 * browsers could read it in different ways (CWE-601). The result is the text of the parsed URL,
 * never the given text.
 */
export function returnTarget(text: string | undefined, { own, listed }: ReturnOrigins): ReturnTarget | undefined {
  if (text === undefined || text.length > maxLength || !plainText.test(text)) return undefined
  const isPath = text.startsWith('/') && !text.startsWith('//')
  if (!isPath && !/^https?:\/\/[^/]/i.test(text)) return undefined
  const url = parse(text, own)
  if (url === undefined || url.username !== '' || url.password !== '') return undefined
  if (url.origin !== own) return !isPath && listed.includes(url.origin) ? atOrigin(url) : undefined
  const location = url.pathname + url.search + url.hash
  // `/.//host` is such a path once its dots are resolved.
  return location.startsWith('//') ? undefined : { location, origin: undefined }
}

function atOrigin(url: URL): ReturnTarget {
  return { location: url.href, origin: url.origin }
}

function parse(text: string, base: string): URL | undefined {
  return URL.canParse(text, base) ? new URL(text, base) : undefined
}
