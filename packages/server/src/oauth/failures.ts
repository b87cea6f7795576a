import { defineProblems } from '../problem.js'

/** Failures of the other OAuth endpoints. */
export const oauthFailures = defineProblems({
  grant_unsupported: {
    status: 400,
    message: 'This server does not grant tokens in that way.',
    hint: 'Send grant_type=client_credentials or grant_type=urn:ietf:params:oauth:grant-type:token-exchange.',
    oauthError: 'unsupported_grant_type',
  },
  introspection_refused: {
    status: 403,
    message: 'This client may not ask about tokens.',
    hint: 'Ask an administrator to set "may_introspect" of the client.',
    oauthError: 'unauthorized_client',
  },
  token_not_own: {
    status: 400,
    message: 'This token was issued to another client.',
    hint: 'A client ends its own tokens; administrators can end all of a client at once.',
    oauthError: 'invalid_grant',
  },
})
