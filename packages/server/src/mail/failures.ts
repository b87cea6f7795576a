import { defineProblems } from '../problem.js'

/** Failures of mail. */
export const mailFailures = defineProblems({
  mail_unavailable: {
    status: 503,
    message: 'This server does not send e-mail.',
    hint: 'Ask the operator to set LATCHKEY_SMTP_URL.',
  },
})
