import type { Auth } from '../auth.js'
import type { FailureCode } from '../errors.js'
import type { Latchkey } from '../latchkey-api.js'

/** Why a connection ends, for its client. */
export interface ConnectionEnd {
  /**
   * 4000 plus the status, a close code for private use (RFC 6455 §7.4.2): 4401 if the identity is
   * no longer valid, 4503 if it could not be checked.
   */
  readonly closeCode: number
  /** The code of the failure, such as `token_revoked`. */
  readonly code: FailureCode
  /** The HTTP status of the failure. */
  readonly status: number
  /** The next step for the client. */
  readonly hint: string
}

/** The functions of an open connection that watching it requires. */
export interface WatchedConnection {
  /** Calls the listener once, when the connection has closed for whatever reason. */
  readonly onClosed: (listener: () => void) => void
  /** Ends the connection, and lets no further message of it be handled. */
  readonly end: (reason: ConnectionEnd) => void
}

/**
 * Ends a connection once its identity is no longer valid, and stops watching when it has closed.
 */
export function watchConnection(
  latchkey: Pick<Latchkey, 'watch'>,
  auth: Auth<object>,
  { onClosed, end }: WatchedConnection,
): void {
  const stop = latchkey.watch(auth, ({ code, status, hint }) => end({ closeCode: 4000 + status, code, status, hint }))
  onClosed(stop)
}

/** Throws a TypeError unless the object has `watch`. */
export function checkWatching(latchkey: Pick<Latchkey, 'watch'>): void {
  if (typeof latchkey?.watch !== 'function') {
    throw new TypeError('A guard of connections needs the object that createLatchkey returned, with watch.')
  }
}
