/**
 * The pages of the server. Every suite that checks all pages reads these lists, and the matrix
 * fails if the account page links to a page that is in none of them.
 */

/** The pages for people who are not signed in. */
export const publicPages = [
  '/sign-in',
  '/sign-in/mail',
  '/sign-in/link',
  '/register',
  '/check-mail',
  '/verify-email',
  '/confirm-device',
  '/finish-registration',
  '/accept-invitation',
  '/forgot-password',
  '/resend-email',
  '/reset-password',
  '/impersonate',
] as const

/** The pages of a signed-in user. */
export const ownPages = [
  '/account',
  '/account/name',
  '/account/language',
  '/account/email',
  '/account/password',
  '/account/delete',
  '/account/passkey',
  '/step-up',
  '/sign-out',
] as const

/** The pages of a signed-in user who has factors, besides `ownPages`. */
export const factorPages = ['/account/recovery-codes', '/account/factor'] as const

/** Steps that have no address of their own: pages that answer a form. */
export const stepPages = ['/sign-in/second-factor', '/account/authenticator'] as const
