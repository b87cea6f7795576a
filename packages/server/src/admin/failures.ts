import { defineProblems } from '../problem.js'

/** Failures of administration. */
export const adminFailures = defineProblems({
  admin_required: {
    status: 403,
    message: 'Only administrators may do this.',
    hint: 'Sign in as an administrator, or create one with "latchkey admin create".',
  },
  administrator_protected: {
    status: 403,
    message: 'An administrator cannot create a reset link for another administrator, or reset their factors.',
    hint: 'The owner can request a link at POST /v1/password/forgot; the operator can use "latchkey users reset-link" and "latchkey users reset-factors".',
  },
  own_account: {
    status: 409,
    message: 'You cannot disable, demote or delete your own account.',
    hint: 'Ask another administrator, or use /v1/me for your own account.',
  },
  rotation_running: {
    status: 409,
    message: 'A rotation of all tenants is already running.',
    hint: 'Wait until it is done, or stop it first.',
  },
  rotation_unknown: {
    status: 404,
    message: 'No rotation of all tenants is running.',
    hint: 'Start one with POST /v1/admin/rotations.',
  },
})
