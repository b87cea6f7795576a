import { defineProblems } from '../problem.js'

/** Failures of administration. */
export const adminFailures = defineProblems({
  admin_required: {
    status: 403,
    message: 'Only administrators may do this.',
    hint: 'Sign in as an administrator; "latchkey admin create" makes one.',
  },
  administrator_protected: {
    status: 403,
    message: 'No administrator makes a reset link for another one.',
    hint: 'Let its owner ask at POST /v1/password/forgot, or use "latchkey users reset-link".',
  },
  own_account: {
    status: 409,
    message: 'Administrators do not lock themselves out.',
    hint: 'Ask another administrator, or use /v1/me.',
  },
  rotation_running: {
    status: 409,
    message: 'A rotation of everybody is under way.',
    hint: 'Wait until it is done, or stop it.',
  },
  rotation_unknown: {
    status: 404,
    message: 'No rotation of everybody is under way.',
    hint: 'Start one.',
  },
})
