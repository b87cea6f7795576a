import { defineProblems } from '../problem.js'

/** Failures of sign-in factors. */
export const factorFailures = defineProblems({
  challenge_invalid: {
    status: 400,
    message: 'This step was completed before, has expired, or was begun elsewhere.',
    hint: 'Begin again.',
  },
  second_factor_required: {
    status: 403,
    message: 'The first factor is right, and this account also needs a second factor.',
    hint: 'Send "challenge_token" with one of the "methods" to POST /v1/login/second-factor, from this device.',
  },
  second_factor_wrong: {
    status: 403,
    message: 'The code is wrong, or was used before.',
    hint: 'Wait for the next code of the authenticator app, or use a recovery code.',
  },
  mail_sign_in_off: {
    status: 403,
    message: 'This server offers no sign-in by e-mail, or not by this kind of letter.',
    hint: 'Sign in with a password or a passkey, or ask the operator (LATCHKEY_MAIL_SIGN_IN).',
  },
  mail_code_wrong: {
    status: 403,
    message: 'The code is wrong.',
    hint: 'Send the code of the newest e-mail. After five wrong codes, begin again with POST /v1/login/mail.',
  },
  mail_link_elsewhere: {
    status: 403,
    message: 'This link signs in another browser, was replaced by a newer one, or has expired.',
    hint: 'Open the newest link in the browser that asked for it, or ask for another one.',
  },
  mail_insufficient: {
    status: 403,
    message: 'A code of an authenticator app is not enough in a session that began with an e-mail.',
    hint: 'Sign in with the password, or use a passkey.',
  },
  second_factor_blocked: {
    status: 403,
    message: 'After many wrong codes, this device cannot use a code of an authenticator app.',
    hint: 'Use a recovery code, a passkey, or a device that has signed in to this account before.',
  },
  factor_unknown: {
    status: 404,
    message: 'The account has no factor with this ID.',
    hint: 'List the factors of the account.',
  },
  factor_exists: {
    status: 409,
    message: 'The account has an authenticator app already.',
    hint: 'Remove it first.',
  },
  passkey_refused: {
    status: 403,
    message: 'The passkey was refused.',
    hint: 'Begin again with a passkey of this site, or use another way to sign in.',
  },
  passkey_taken: {
    status: 409,
    message: 'This passkey is registered already.',
    hint: 'Sign in with it, or create another one.',
  },
  factor_limit: {
    status: 409,
    message: 'The account has the maximum number of factors.',
    hint: 'Remove a factor that you no longer use.',
  },
  factor_missing: {
    status: 409,
    message: 'The account has no second factor.',
    hint: 'Its owner can add one at POST /v1/me/factors/totp.',
  },
  trusted_device_unknown: {
    status: 404,
    message: 'The account trusts no device with this name.',
    hint: 'List the trusted devices: this one may have expired.',
  },
})
