import { channel } from 'node:diagnostics_channel'
import type { FailureCode } from './errors.js'

/** One failed request to another service. */
export interface RemoteFailure {
  /** The URL without its query, which may contain a key. */
  readonly url: string
  /** The reason of the failure. */
  readonly error: Error
}

/**
 * Returns a function that publishes failed requests on the diagnostics channel `name`. Without a
 * subscriber a failure is a warning of the process with this code, so that the log of every
 * application has the reason of a 503. A failure that is not new is no second warning.
 */
export function remoteFailureReport(name: string, code: FailureCode): (failure: RemoteFailure, isNew: boolean) => void {
  const failures = channel(name)
  return (failure, isNew) => {
    if (failures.hasSubscribers) failures.publish(failure)
    else if (isNew) process.emitWarning(failure.error.message, { type: 'LatchkeyWarning', code })
  }
}
