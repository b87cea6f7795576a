import type { LinkEmail, OneTimeLink, SignInEmail } from './email.js'

/** The kinds of e-mails that may have a link. */
type LinkKind = (LinkEmail | SignInEmail)['kind']

/** The pages of links, under the base URL. */
const pages: Readonly<Record<LinkKind, string>> = {
  verify_email: '/verify-email',
  confirm_email: '/verify-email',
  finish_registration: '/finish-registration',
  accept_invitation: '/accept-invitation',
  reset_password: '/reset-password',
  confirm_device: '/confirm-device',
  sign_in: '/sign-in/link',
}

/**
 * Returns the URL of a one-time link. The token follows the "#": browsers send that part to no
 * server, so that it is in no log and no Referer.
 */
export function linkUrl(linkBase: string, kind: LinkKind, { token }: Pick<OneTimeLink, 'token'>): string {
  return `${linkBase}${pages[kind]}#token=${token}`
}
