import { channel } from 'node:diagnostics_channel'

/** A message of the diagnostics channel `latchkey:jwks:failure`: one failed fetch. */
export interface JwksFailure {
  /** The URL of the JWKS without its query, which may contain a key. */
  readonly url: string
  /** The reason of the failure. */
  readonly error: Error
}

const failures = channel('latchkey:jwks:failure')

/**
 * Publishes a failed fetch of a JWKS. Without a subscriber it is a warning of the process, so that
 * the log of every application has the reason of a 503.
 *
 * @param isNew Whether the previous fetch did not fail for the same reason; a warning is not
 * repeated.
 */
export function reportJwksFailure(failure: JwksFailure, isNew: boolean): void {
  if (failures.hasSubscribers) failures.publish(failure)
  else if (isNew) process.emitWarning(failure.error.message, { type: 'LatchkeyWarning', code: 'jwks_unavailable' })
}
