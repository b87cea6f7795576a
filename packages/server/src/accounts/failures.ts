import { defineProblems } from '../problem.js'

/** Failures of accounts, passwords, profiles and mailed links. */
export const accountFailures = defineProblems({
  email_invalid: {
    status: 400,
    message: 'This is not an e-mail address that can be registered.',
    hint: 'Send one address such as name@example.com, with at most 254 characters.',
  },
  password_too_short: {
    status: 400,
    message: 'The password is too short.',
    hint: 'Choose a longer one, such as a few words.',
  },
  password_too_long: {
    status: 400,
    message: 'The password is too long.',
    hint: 'Choose one of at most 128 characters.',
  },
  password_common: {
    status: 400,
    message: 'The password is too easy to guess.',
    hint: 'Choose a password that is not on lists of common passwords, such as a few unrelated words.',
  },
  email_taken: {
    status: 409,
    message: 'An account with this e-mail address exists already.',
    hint: 'Sign in, register another address, or reset the password with POST /v1/password/forgot.',
  },
  registration_closed: {
    status: 403,
    message: 'This kind of registration is closed on this server.',
    hint: 'Ask an administrator for an account or an invitation.',
  },
  application_unknown: {
    status: 404,
    message: 'No application with this ID has received a token in a live session of the account.',
    hint: 'List the applications: the sessions of this one have ended.',
  },
  invitation_unknown: {
    status: 404,
    message: 'There is no invitation with this ID.',
    hint: 'List the invitations. This one may have been used, replaced or revoked, or may have expired.',
  },
  invalid_credentials: {
    status: 401,
    message: 'The e-mail address or the password is wrong.',
    hint: 'Check both and try again.',
  },
  account_disabled: {
    status: 403,
    message: 'This account is disabled.',
    hint: 'Ask an administrator to enable it.',
  },
  email_unverified: {
    status: 403,
    message: 'The e-mail address of this account is not verified yet.',
    hint: 'Follow the link in the e-mail to this address, or request a new one with POST /v1/email/resend.',
  },
  link_invalid: {
    status: 400,
    message: 'This link was used before, has expired, or was replaced by a newer one.',
    hint: 'Use the link in the newest e-mail, or request a new one.',
  },
  password_wrong: {
    status: 403,
    message: 'The password of this account is a different one.',
    hint: 'Send the current password of the account.',
  },
  password_insufficient: {
    status: 403,
    message: 'This account has a second factor, so that its password alone is not enough.',
    hint: 'Send a code of the authenticator app as "code", or a "passkey" with its "challenge_token".',
  },
  recent_authentication_required: {
    status: 401,
    challenge: 'insufficient_user_authentication',
    message: 'The user of this session has not authenticated recently or strongly enough for this.',
    hint: 'Authenticate again with POST /v1/me/step-up by one of "methods", and retry with the new token.',
  },
  password_required: {
    status: 400,
    message: 'This change needs the password of the account.',
    hint: 'Send the password as "password" with the change.',
  },
  account_unknown: {
    status: 404,
    message: 'There is no account with this ID.',
    hint: 'Check the ID.',
  },
  profile_invalid: {
    status: 400,
    message: 'The changed profile does not match the profile schema of this server.',
    hint: 'See "errors" for each member, and ask the operator for the schema (LATCHKEY_PROFILE_SCHEMA).',
  },
  profile_too_large: {
    status: 400,
    message: 'The changed profile has more than 4 KiB of JSON, or its claims have more than 1 KiB.',
    hint: 'Store less in the profile, and keep larger data in the application.',
  },
  profile_protected: {
    status: 403,
    message: 'Only administrators can change this member of the profile.',
    hint: 'Omit the members that the schema declares as readOnly.',
  },
  last_administrator: {
    status: 409,
    message: 'This account is the last administrator that can sign in.',
    hint: 'Create another one first: set the role "admin" of an account, or run "latchkey admin create".',
  },
  overloaded: {
    status: 503,
    message: 'The server is checking too many passwords at the moment.',
    hint: 'Retry after the number of seconds in Retry-After.',
  },
  device_confirmation_required: {
    status: 403,
    message:
      'After many wrong passwords, a device that has not signed in to this account before must be confirmed by mail.',
    hint: 'If the password is right, an e-mail with a link is on its way. Open the link on this device, with its device token, and sign in again.',
  },
  device_mismatch: {
    status: 403,
    message: 'This link confirms a different device.',
    hint: 'Open the link on the device that tried to sign in, and send the device token from the answer to its login.',
  },
})
