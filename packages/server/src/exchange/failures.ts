import { defineProblems } from '../problem.js'

/** Failures of token exchange. */
export const exchangeFailures = defineProblems({
  exchange_malformed: {
    status: 400,
    message: 'The token exchange request is malformed.',
    hint: 'Send grant_type, subject_token and subject_token_type, each once; audience is optional.',
    oauthError: 'invalid_request',
  },
  subject_token_refused: {
    status: 400,
    message: 'The subject token is not a valid access token of this server.',
    hint: 'Refresh the session and exchange the new access token.',
    oauthError: 'invalid_request',
  },
  audience_refused: {
    status: 400,
    message: 'This server issues no tokens for the audience.',
    hint: 'Request an audience that LATCHKEY_SERVICE_AUDIENCES contains.',
    oauthError: 'invalid_target',
  },
})
