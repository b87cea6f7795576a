import { defineProblems } from '../problem.js'

/** Failures of rate limits, and of limits on guesses. */
export const protectionFailures = defineProblems({
  rate_limited: {
    status: 429,
    message: 'Too many requests.',
    hint: 'Wait for the seconds in Retry-After. The RateLimit headers of each response show the remaining requests.',
  },
  guess_delayed: {
    status: 429,
    message: 'Too many wrong passwords or codes for this account.',
    hint: 'Wait for the seconds in Retry-After. Attempts of other devices do not delay a device or network that has signed in before.',
  },
})
