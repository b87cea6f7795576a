import { formatSender, parseIssuer, parseSender, parseUrl } from './parsers.js'
import { seconds, setting } from './setting.js'

const day = 86_400

/** The settings of e-mail and of the links in it. */
export const mailSettings = {
  smtpUrl: setting({
    name: 'LATCHKEY_SMTP_URL',
    description:
      'The mail server that sends e-mail, with user and password. With "?requireTLS=true" nothing is sent to an smtp:// server that does not encrypt.',
    accepts: 'a URL that begins with smtp:// or smtps://',
    default: undefined,
    defaultText:
      'none: with the embedded database each e-mail is written to a file in the folder "mail" of LATCHKEY_DATA_DIR; with PostgreSQL no e-mail is sent',
    secret: true,
    parse: (text) => parseUrl(text, ['smtp://', 'smtps://']),
  }),
  from: setting({
    name: 'LATCHKEY_MAIL_FROM',
    description: 'The sender of e-mail. Required with LATCHKEY_SMTP_URL.',
    accepts: 'an ASCII address such as "no-reply@example.com" or "Example <no-reply@example.com>"',
    default: { name: '', address: 'no-reply@localhost' },
    parse: parseSender,
    format: formatSender,
  }),
  linkBase: setting({
    name: 'LATCHKEY_LINK_BASE',
    description:
      'The public URL of the pages that mailed links lead to: /verify-email, /finish-registration, /accept-invitation, /reset-password, /confirm-device and /sign-in/link under it, each with "#token=…". The server itself has these pages (LATCHKEY_PAGES).',
    accepts: 'an http or https URL without query and fragment, and without a slash at its end',
    default: undefined,
    defaultText: 'LATCHKEY_ISSUER',
    parse: parseIssuer,
  }),
  resetLinkTtlSec: seconds({
    name: 'LATCHKEY_RESET_LINK_TTL',
    description: 'The lifetime of a link that sets a new password or confirms a device.',
    min: 60,
    max: day,
    default: 3600,
  }),
  verifyLinkTtlSec: seconds({
    name: 'LATCHKEY_VERIFY_LINK_TTL',
    description: 'The lifetime of a link that verifies an address or finishes a registration.',
    min: 60,
    max: 30 * day,
    default: day,
  }),
}
