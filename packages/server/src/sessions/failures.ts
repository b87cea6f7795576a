import { defineProblems } from '../problem.js'

/** Failures of sessions and refresh tokens. */
export const sessionFailures = defineProblems({
  refresh_token_invalid: {
    status: 401,
    message: 'The refresh token was not issued by this server, or its session no longer exists.',
    hint: 'Sign in again.',
  },
  refresh_token_expired: {
    status: 401,
    message: 'The session has expired.',
    hint: 'Sign in again.',
  },
  refresh_token_reused: {
    status: 401,
    message: 'The refresh token was used before, or by another client. Its session has been ended for safety.',
    hint: 'Sign in again, and keep only the newest refresh token.',
  },
  refresh_token_missing: {
    status: 401,
    message: 'The request contains no refresh token.',
    hint: 'Send it as "refresh_token", or as a cookie with the header "Latchkey-Mode: cookie".',
  },
  session_unknown: {
    status: 404,
    message: 'There is no such live session.',
    hint: 'List the sessions: this one may have ended.',
  },
})
