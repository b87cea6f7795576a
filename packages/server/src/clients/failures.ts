import { defineProblems } from '../problem.js'

/** Failures of OAuth clients. */
export const clientFailures = defineProblems({
  client_unauthenticated: {
    status: 401,
    message: 'The client has not shown who it is: client ID and client secret do not belong together.',
    hint: 'Send both by HTTP Basic, form-urlencoded each (RFC 6749 §2.3.1), or as client_id and client_secret.',
    oauthError: 'invalid_client',
    headers: { 'WWW-Authenticate': 'Basic realm="latchkey", charset="UTF-8"' },
  },
  client_ambiguous: {
    status: 400,
    message: 'The client has sent its credentials more than once.',
    hint: 'Send them in the Authorization header or in the form, not in both (RFC 6749 §2.3).',
    oauthError: 'invalid_request',
  },
  client_disabled: {
    status: 400,
    message: 'This client is disabled.',
    hint: 'Ask an administrator.',
    oauthError: 'unauthorized_client',
  },
  scope_refused: {
    status: 400,
    message: 'The scope is malformed, or more than this client may have.',
    hint: 'Ask for scopes that the client is allowed, separated by single spaces; without "scope" it gets them all.',
    oauthError: 'invalid_scope',
  },
  client_unknown: {
    status: 404,
    message: 'There is no such client.',
    hint: 'Check the ID.',
  },
  client_rotating: {
    status: 409,
    message: 'This client has two secrets already.',
    hint: 'Wait until the older one ends, or send "grace_period": 0, which ends both and every token of the client.',
  },
})
