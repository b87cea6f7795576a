import type { LinkEmail, OneTimeLink } from './email.js'

/** The pages of links, under the base URL. */
const pages: Readonly<Record<LinkEmail['kind'], string>> = {
  verify_email: '/verify-email',
  confirm_email: '/verify-email',
  finish_registration: '/finish-registration',
  accept_invitation: '/accept-invitation',
  reset_password: '/reset-password',
  confirm_device: '/confirm-device',
}

/**
 * Returns the URL of a one-time link. The token follows the "#": browsers send that part to no
 * server, so that it is in no log and no Referer.
 */
export function linkUrl(linkBase: string, kind: LinkEmail['kind'], { token }: Pick<OneTimeLink, 'token'>): string {
  return `${linkBase}${pages[kind]}#token=${token}`
}
