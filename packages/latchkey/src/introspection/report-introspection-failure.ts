import { type RemoteFailure, remoteFailureReport } from '../report-remote-failure.js'

/**
 * A message of the diagnostics channel `latchkey:introspection:failure`: one introspection without
 * a usable answer.
 */
export interface IntrospectionFailure extends RemoteFailure {}

/** Publishes a failed introspection. */
export const reportIntrospectionFailure = remoteFailureReport(
  'latchkey:introspection:failure',
  'introspection_unavailable',
)
