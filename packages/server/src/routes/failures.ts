import { defineProblems } from '../problem.js'

/** Failures of guards, and of the endpoints for operators. */
export const routeFailures = defineProblems({
  account_required: {
    status: 403,
    message: 'The route needs an account, but the token is that of a client.',
    hint: 'Send an access token of a signed-in user.',
  },
  metrics_refused: {
    status: 401,
    message: 'Reading the metrics needs a token.',
    hint: 'Set LATCHKEY_METRICS_TOKEN and send it as "Authorization: Bearer <token>".',
  },
  not_ready: {
    status: 503,
    message: 'The server is not ready.',
    hint: 'Retry after a moment; "reasons" lists the unavailable parts.',
  },
})
