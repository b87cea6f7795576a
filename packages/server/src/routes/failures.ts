import { defineProblems } from '../problem.js'

/** Failures of guards, and of the endpoints for operators. */
export const routeFailures = defineProblems({
  csrf_refused: {
    status: 403,
    message: 'This request does not come from a page that may use the cookies of this server.',
    hint: 'Send it by fetch() from a page of this origin, or of an origin in LATCHKEY_CORS_ORIGINS.',
  },
  account_required: {
    status: 403,
    message: 'This route is for people: the token is that of a client, which has no account.',
    hint: 'Send the access token of a login.',
  },
  metrics_refused: {
    status: 401,
    message: 'The metrics are not for everybody.',
    hint: 'Set LATCHKEY_METRICS_TOKEN and send it as "Authorization: Bearer <token>".',
  },
  not_ready: {
    status: 503,
    message: 'The server cannot answer for its users at the moment.',
    hint: 'Retry after a moment; see "reasons".',
  },
})
