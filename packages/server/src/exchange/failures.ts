import { defineProblems } from '../problem.js'

/** Failures of token exchange. */
export const exchangeFailures = defineProblems({
  exchange_malformed: {
    status: 400,
    message: 'This is not a token exchange that the server can carry out.',
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
    message: 'Tokens for this audience are not issued here.',
    hint: 'Ask for an audience that the operator has listed in LATCHKEY_SERVICE_AUDIENCES.',
    oauthError: 'invalid_target',
  },
})
