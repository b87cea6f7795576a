import { channel } from 'node:diagnostics_channel'

/** What subscribers of the diagnostics channel `latchkey:jwks:failure` are given. */
export interface JwksFailure {
  /** The URL of the JWKS without its query, which may hold a key. */
  readonly url: string
  /** Why it cannot be used. */
  readonly error: Error
}

const failures = channel('latchkey:jwks:failure')

/**
 * Publishes a failed fetch of a JWKS. Without a subscriber it is a warning of the process, so that
 * the reason of a 503 is in the log of an application that has arranged nothing.
 *
 * @param isNew whether the last fetch did not fail for the same reason; no warning is repeated
 */
export function reportJwksFailure(failure: JwksFailure, isNew: boolean): void {
  if (failures.hasSubscribers) failures.publish(failure)
  else if (isNew) process.emitWarning(failure.error.message, { type: 'LatchkeyWarning', code: 'jwks_unavailable' })
}
