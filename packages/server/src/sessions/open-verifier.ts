import { createLatchkey, type Forgery, type Latchkey, type SessionIds, sessionIds } from 'latchkey'
import type { Configuration } from '../config/configuration.js'
import type { Core } from '../core.js'
import { replaceableSessionIds } from './replaceable-session-ids.js'

/** The issuer and verifier of access tokens, and the session IDs that it accepts. */
export interface VerifierDomain {
  readonly latchkey: Latchkey
  readonly sessionIds: SessionIds
}

/** Opens the issuer and verifier of access tokens. `onForgery` is called for each forged token. */
export async function openVerifier(
  { keys, clock }: Core,
  configuration: Configuration,
  onForgery: (forgery: Forgery) => void,
): Promise<VerifierDomain> {
  const { issuer, audience, accessTokenTtlSec, verifyTimeoutMs } = configuration
  // The name of a stored key never changes.
  const ids = replaceableSessionIds(await keys.storedKey('server:session-id-key', sessionIds))
  const latchkey = createLatchkey({
    issuer,
    audience,
    keys,
    clock,
    accessTokenTtl: accessTokenTtlSec,
    verifyTimeout: verifyTimeoutMs,
    sessionIds: ids,
    onForgery,
  })
  return { latchkey, sessionIds: ids }
}
