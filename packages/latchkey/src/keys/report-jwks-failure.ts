import { type RemoteFailure, remoteFailureReport } from '../report-remote-failure.js'

/** A message of the diagnostics channel `latchkey:jwks:failure`: one failed fetch of a JWKS. */
export interface JwksFailure extends RemoteFailure {}

/** Publishes a failed fetch of a JWKS, whose reason is new if the last fetch had another one. */
export const reportJwksFailure = remoteFailureReport('latchkey:jwks:failure', 'jwks_unavailable')
