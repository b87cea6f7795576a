/** Where a request came from, as far as can be told. */
export interface RequestOrigin {
  readonly address: string
  /** Cut to 255 characters; `null` when none was sent. */
  readonly userAgent: string | null
  /** Aborts when the connection closes, after which an answer reaches no client. */
  readonly connection?: AbortSignal
}
