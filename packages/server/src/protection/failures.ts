import { defineProblems } from '../problem.js'

/** Failures of rate limits, and of limits on guesses. */
export const protectionFailures = defineProblems({
  rate_limited: {
    status: 429,
    message: 'These are too many requests.',
    hint: 'Wait as long as Retry-After says; the RateLimit headers tell what is left before it comes to that.',
  },
  guess_delayed: {
    status: 429,
    message: 'Too many wrong passwords were tried.',
    hint: 'Wait as long as Retry-After says. Devices and networks that have signed in before do not wait for what others try.',
  },
})
