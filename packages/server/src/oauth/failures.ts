import { defineProblems } from '../problem.js'

/** Failures of the other OAuth endpoints. */
export const oauthFailures = defineProblems({
  grant_unsupported: {
    status: 400,
    message: 'The grant type is not supported.',
    hint: 'Send grant_type=client_credentials or grant_type=urn:ietf:params:oauth:grant-type:token-exchange.',
    oauthError: 'unsupported_grant_type',
  },
  introspection_refused: {
    status: 403,
    message: 'The client may not introspect tokens.',
    hint: 'Ask an administrator to set "may_introspect" of the client.',
    oauthError: 'unauthorized_client',
  },
  token_not_own: {
    status: 400,
    message: 'The token was issued to another client.',
    hint: 'A client can revoke only its own tokens; an administrator can revoke all tokens of a client.',
    oauthError: 'invalid_grant',
  },
})
