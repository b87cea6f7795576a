import { defineProblems } from '../problem.js'

/** Failures of administration. */
export const adminFailures = defineProblems({
  admin_required: {
    status: 403,
    message: 'Only administrators may do this.',
    hint: 'Sign in as an administrator (an auditor can only read), or create one with "latchkey admin create".',
  },
  second_factor_required_for_admin: {
    status: 403,
    message: 'Administrators of this server need a second factor, and this account has none.',
    hint: 'Add a passkey or an authenticator app to your account, and sign in with it. The operator can use the command line.',
  },
  administrator_protected: {
    status: 403,
    message: 'An administrator cannot create a reset link for another administrator, or reset their factors.',
    hint: 'The owner can request a link at POST /v1/password/forgot; the operator can use "latchkey users reset-link" and "latchkey users reset-factors".',
  },
  impersonation_off: {
    status: 403,
    message: 'This server does not allow administrators to act in sessions of other accounts.',
    hint: 'The operator can set LATCHKEY_IMPERSONATION to "on" or "notify".',
  },
  impersonation_refused: {
    status: 403,
    message: 'No administrator can act in a session of this account: it is that of an administrator or an auditor.',
    hint: 'Act in an account with the role "user".',
  },
  own_account: {
    status: 409,
    message: 'You cannot disable, demote or delete your own account.',
    hint: 'Ask another administrator, or use /v1/me for your own account.',
  },
  grants_changed_meanwhile: {
    status: 409,
    message: 'The rights of the account are not those that the request expects: they have been changed meanwhile.',
    hint: 'Read the account again, and decide on the rights that it has now.',
  },
  factor_reset_unknown: {
    status: 404,
    message: 'No reset of the factors of this account is waiting.',
    hint: 'It was cancelled, or the factors are removed already: read the account and its audit log.',
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
  task_running: {
    status: 409,
    message: 'Another task on all accounts or keys is running.',
    hint: 'Wait until it is done, or stop it with POST /v1/admin/tasks/stop; GET /v1/admin/tasks has its progress.',
  },
  task_unknown: {
    status: 404,
    message: 'No task on all accounts or keys is running.',
    hint: 'Start one with POST /v1/admin/revoke-all, /replace-keys or /rewrap.',
  },
  live_streams_exhausted: {
    status: 429,
    message: 'Too many live streams are open, of this account or in all.',
    hint: 'Close another page of the console, and retry after a moment.',
  },
})
