import { defineProblems } from '../problem.js'

/** Failures of sessions and refresh tokens. */
export const sessionFailures = defineProblems({
  refresh_token_invalid: {
    status: 401,
    message: 'This refresh token was not issued here, or its session is gone.',
    hint: 'Sign in again.',
  },
  refresh_token_expired: {
    status: 401,
    message: 'The session has expired.',
    hint: 'Sign in again.',
  },
  refresh_token_reused: {
    status: 401,
    message: 'This refresh token was used before, or by another client; its session has been ended for safety.',
    hint: 'Sign in again, and keep only the newest refresh token.',
  },
  refresh_token_missing: {
    status: 401,
    message: 'This request carries no refresh token.',
    hint: 'Send it as "refresh_token"; with the header "Latchkey-Mode: cookie" its cookie will do.',
  },
  session_unknown: {
    status: 404,
    message: 'There is no such session.',
    hint: 'List the sessions; this one may have ended.',
  },
})
