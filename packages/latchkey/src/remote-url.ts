/** Options of `checkRemoteUrl`. */
export interface RemoteUrlOptions {
  /** The resource in messages, such as `a JWKS`. */
  readonly resource: string
  /** A URL of such a resource, for the message about a malformed one. */
  readonly example: string
  /** Whether plain http to other machines is allowed. */
  readonly allowHttp: boolean
}

/**
 * Returns the URL if verdicts may depend on its responses: over https, over http from this machine,
 * or over any http if the caller allows it. An attacker who can change the response decides which
 * tokens are accepted. Throws a TypeError for any other URL, without repeating it.
 */
export function checkRemoteUrl(text: string | URL, { resource, example, allowHttp }: RemoteUrlOptions): URL {
  if (!URL.canParse(String(text)))
    throw new TypeError(`The URL of ${resource} is malformed: pass one such as ${example}.`)
  const url = new URL(text)
  const isLocal = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)
  const isAllowed = url.protocol === 'https:' || (url.protocol === 'http:' && (isLocal || allowHttp))
  if (!isAllowed) {
    throw new TypeError(
      `The URL of ${resource} must be https, or http on this machine; set allowHttp to allow http elsewhere.`,
    )
  }
  if (url.username !== '' || url.password !== '')
    throw new TypeError(`The URL of ${resource} must not contain credentials: remove user and password.`)
  return url
}

/** Returns the URL for logs: without the query, which may contain a key. */
export function placeOf({ origin, pathname }: URL): string {
  return origin + pathname
}
