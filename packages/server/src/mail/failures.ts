import { defineProblems } from '../problem.js'

/** Failures of mail. */
export const mailFailures = defineProblems({
  mail_unavailable: {
    status: 503,
    message: 'This server does not send e-mail.',
    hint: 'Ask the operator to set LATCHKEY_SMTP_URL.',
  },
  letter_unknown: {
    status: 404,
    message: 'No letter with this ID is waiting.',
    hint: 'It may have been sent meanwhile: see GET /v1/admin/letters/sent.',
  },
  letter_sending: {
    status: 409,
    message: 'A server is sending this letter at the moment.',
    hint: 'Look at its state again in a few seconds, and after two minutes if the server has failed.',
  },
})
