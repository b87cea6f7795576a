import { defineProblems } from '../problem.js'

/** Failures of sign-in factors. */
export const factorFailures = defineProblems({
  challenge_invalid: {
    status: 400,
    message: 'This step was completed before, has expired, or was begun elsewhere.',
    hint: 'Begin again.',
  },
})
