import { defineProblems } from '../problem.js'

/** Failures of accounts, passwords, profiles and mailed links. */
export const accountFailures = defineProblems({
  email_invalid: {
    status: 400,
    message: 'This is no e-mail address that can be registered.',
    hint: 'Send one address such as name@example.com, with at most 254 characters.',
  },
  password_too_short: {
    status: 400,
    message: 'The password is too short.',
    hint: 'Choose a longer one; a few words will do.',
  },
  password_too_long: {
    status: 400,
    message: 'The password is too long.',
    hint: 'Choose one of at most 128 characters.',
  },
  password_common: {
    status: 400,
    message: 'The password is one of those that are tried first.',
    hint: 'Choose one that nobody else has; a few words that do not belong together will do.',
  },
  email_taken: {
    status: 409,
    message: 'There is an account with this e-mail address already.',
    hint: 'Sign in, register another address, or set a new password by mail: POST /v1/password/forgot.',
  },
  registration_closed: {
    status: 403,
    message: 'This server does not let people register in this way.',
    hint: 'Ask an administrator for an account or an invitation.',
  },
  invitation_unknown: {
    status: 404,
    message: 'There is no such invitation.',
    hint: 'List the invitations; this one may have been used, replaced or revoked, or has expired.',
  },
  invalid_credentials: {
    status: 401,
    message: 'E-mail address and password do not belong together.',
    hint: 'Check both and try again.',
  },
  account_disabled: {
    status: 403,
    message: 'This account is disabled.',
    hint: 'Ask an administrator.',
  },
  email_unverified: {
    status: 403,
    message: 'The e-mail address of this account is not verified yet.',
    hint: 'Follow the link that was mailed to it, or ask for a new one at POST /v1/email/resend.',
  },
  link_invalid: {
    status: 400,
    message: 'This link was used before, has expired, or was replaced by a newer one.',
    hint: 'Use the link of the newest letter, or ask for a new one.',
  },
  password_wrong: {
    status: 403,
    message: 'The password is not the one of this account.',
    hint: 'Send the current password of the account.',
  },
  password_required: {
    status: 400,
    message: 'This change needs the password of the account.',
    hint: 'Send it as "password" along with the change.',
  },
  account_unknown: {
    status: 404,
    message: 'There is no such account.',
    hint: 'Check the ID.',
  },
  profile_invalid: {
    status: 400,
    message: 'The profile would not be as the schema of this server asks.',
    hint: 'See "errors" for each member, and ask the operator for LATCHKEY_PROFILE_SCHEMA.',
  },
  profile_too_large: {
    status: 400,
    message: 'The profile would have more than 4 KiB of JSON, or its claims more than 1 KiB.',
    hint: 'Keep less in it, and larger things in the application.',
  },
  profile_protected: {
    status: 403,
    message: 'Only administrators write this member of the profile.',
    hint: 'Leave out the members that the schema declares as readOnly.',
  },
  last_administrator: {
    status: 409,
    message: 'This account is the last administrator that can sign in.',
    hint: 'Make another one first: give an account the role "admin", or run "latchkey admin create".',
  },
  overloaded: {
    status: 503,
    message: 'Too many people sign in at the moment.',
    hint: 'Retry after the seconds in Retry-After.',
  },
  device_confirmation_required: {
    status: 403,
    message:
      'After many wrong passwords, a device that has not signed in to this account before must be confirmed by mail.',
    hint: 'If address and password are right, a link is on its way. Open it on this device, with its device token, and sign in again.',
  },
  device_mismatch: {
    status: 403,
    message: 'This link confirms another device than the one that has sent it.',
    hint: 'Open it on the device that is to sign in, and send the device token that its login was answered with.',
  },
})
