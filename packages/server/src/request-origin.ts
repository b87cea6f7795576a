/** The client address, the user agent, the languages and the connection of a request. */
export interface RequestOrigin {
  readonly address: string
  /** The `User-Agent`, cut to 255 characters; `null` if there is none. */
  readonly userAgent: string | null
  /** The `Accept-Language` header; absent if there is none. */
  readonly acceptLanguage?: string | undefined
  /** Aborts when the connection closes: a response can no longer reach the client. */
  readonly connection?: AbortSignal
}
