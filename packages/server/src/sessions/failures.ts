import { defineProblems } from '../problem.js'

/** Failures of sessions and refresh tokens. */
export const sessionFailures = defineProblems({
  refresh_token_missing: {
    status: 401,
    message: 'The request contains no refresh token.',
    hint: 'Send it as "refresh_token", or as a cookie with the header "Latchkey-Mode: cookie".',
  },
  impersonation_read_only: {
    status: 403,
    message: 'An administrator acts in this session, which can change nothing of the account.',
    hint: 'End it with POST /v1/logout. An administrator can change the account by /v1/admin/users.',
  },
  session_unknown: {
    status: 404,
    message: 'There is no such live session.',
    hint: 'List the sessions: this one may have ended.',
  },
})
