import { defineProblems } from '../problem.js'

/** Failures of OAuth clients. */
export const clientFailures = defineProblems({
  client_unauthenticated: {
    status: 401,
    message: 'Client authentication failed: the client ID or the client secret is missing, malformed or wrong.',
    hint: 'Send both by HTTP Basic, form-urlencoded each (RFC 6749 §2.3.1), or as client_id and client_secret.',
    oauthError: 'invalid_client',
    headers: { 'WWW-Authenticate': 'Basic realm="latchkey", charset="UTF-8"' },
  },
  client_ambiguous: {
    status: 400,
    message: 'The request contains client credentials more than once.',
    hint: 'Send them in the Authorization header or in the form, not in both (RFC 6749 §2.3).',
    oauthError: 'invalid_request',
  },
  client_disabled: {
    status: 400,
    message: 'The client is disabled.',
    hint: 'Ask an administrator to enable it.',
    oauthError: 'unauthorized_client',
  },
  scope_refused: {
    status: 400,
    message: 'The scope is malformed, or exceeds the scopes of the client.',
    hint: 'Request scopes that the client has, separated by single spaces; omit "scope" for all of them.',
    oauthError: 'invalid_scope',
  },
  client_unknown: {
    status: 404,
    message: 'There is no such client.',
    hint: 'Check the client ID; "latchkey clients list" shows all.',
  },
  client_rotating: {
    status: 409,
    message: 'The client has two secrets already.',
    hint: 'Wait until the older one ends, or send "grace_period": 0 to end both and every token of the client.',
  },
})
