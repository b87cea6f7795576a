/** The client address, the user agent and the connection of a request. */
export interface RequestOrigin {
  readonly address: string
  /** The `User-Agent`, cut to 255 characters; `null` if there is none. */
  readonly userAgent: string | null
  /** Aborts when the connection closes: a response can no longer reach the client. */
  readonly connection?: AbortSignal
}
