import { recognisedDevice } from '../device-name.js'
import { html } from '../html.js'
import type { Email, LinkEmail, NoticeTopic } from './email.js'
import { linkUrl } from './link-url.js'

/** The content of an e-mail, as plain text and as HTML. */
export interface ComposedEmail {
  readonly subject: string
  readonly text: string
  readonly html: string
}

/** The content of an e-mail before it is formatted. */
interface Draft {
  readonly subject: string
  readonly paragraphs: readonly string[]
  /** Follows the first paragraph. */
  readonly url?: string
}

/**
 * Returns the content of an e-mail. It contains no text that a person or a program chose: no name,
 * no address of another mailbox, no `User-Agent`. Mail programs turn every text that looks like an
 * address into a link, so that an attacker could otherwise send links in the operator's name.
 * `linkBase`: the base URL of the linked pages, without a slash at its end.
 */
export function composeEmail(email: Email, linkBase: string): ComposedEmail {
  const { subject, paragraphs, url } = draft(email, linkBase)
  const [first = '', ...others] = paragraphs
  const text = [first, ...(url === undefined ? [] : [url]), ...others].join('\n\n')
  const link = url === undefined ? [] : [html`<a href="${url}">${url}</a>`]
  const blocks = [first, ...link, ...others].map((block) => html`<p>${block}</p>`.text)
  return { subject, text: `${text}\n`, html: `<!doctype html><html><body>${blocks.join('\n')}</body></html>\n` }
}

function draft(email: Email, linkBase: string): Draft {
  const site = new URL(linkBase).host
  const unasked = 'If you did not ask for this, you can ignore this e-mail. Nothing will change.'
  const alarm = `If this was not you, set a new password at ${site} now. This signs you out on every device.`
  switch (email.kind) {
    case 'verify_email':
      return linked('Verify your e-mail address', email, linkBase, [
        `This address was registered at ${site}. Open this link to verify that it is yours. Sign in first, or have the password at hand that you chose.`,
        `If you did not register, you can ignore this e-mail: the link does nothing without that password. To use this address at ${site} yourself, reset the password there.`,
      ])
    case 'finish_registration':
      return linked('Finish your registration', email, linkBase, [
        `Open this link to finish your registration at ${site}. You will need the password that you chose.`,
        unasked,
      ])
    case 'accept_invitation':
      return linked('You are invited', email, linkBase, [
        `You are invited to create an account at ${site} with this address. Open this link to choose a password.`,
        'If you do not want an account, you can ignore this e-mail. Nothing will change.',
      ])
    case 'reset_password':
      return linked('Reset your password', email, linkBase, [
        `Open this link to set a new password at ${site}. This signs you out on every device.`,
        unasked,
      ])
    case 'confirm_email':
      return linked('Confirm your new e-mail address', email, linkBase, [
        `Open this link to make this the address of your account at ${site}. Sign in first, or have your password at hand.`,
        unasked,
      ])
    case 'confirm_device':
      return linked('Confirm your sign-in', email, linkBase, [
        `After many wrong passwords, your password was entered at ${site} on a new device. If this was you, open this link on that device and sign in again.`,
        `If this was not you, do not open the link. Set a new password at ${site} now. This signs you out on every device.`,
      ])
    case 'email_has_account':
      return {
        subject: 'You already have an account',
        paragraphs: [
          `Someone tried to register this address at ${site}, but you already have an account there.`,
          'If this was you, sign in or reset your password. If not, you can ignore this e-mail. Nothing will change.',
        ],
      }
    case 'password_changed':
      return {
        subject: 'Your password was changed',
        paragraphs: [`The password of your account at ${site} was changed.`, alarm],
      }
    case 'reset_link_made':
      return {
        subject: 'A link to reset your password was created',
        paragraphs: [
          `An administrator of ${site} created a link that sets a new password for your account.`,
          `If you did not ask for this, contact the operator of ${site}.`,
        ],
      }
    case 'email_change_requested':
      return {
        subject: 'Your e-mail address is about to change',
        paragraphs: [
          `Someone with your password asked to change the e-mail address of your account at ${site}.`,
          'The change takes effect when the link in the e-mail to the new address is opened.',
          alarm,
        ],
      }
    case 'email_changed':
      return {
        subject: 'Your e-mail address was changed',
        paragraphs: [
          `Your account at ${site} now has a different e-mail address. This address no longer belongs to it.`,
          `If this was not you, contact the operator of ${site}.`,
        ],
      }
    case 'factor_added':
      return {
        subject: 'A second factor was added to your account',
        paragraphs: [
          `${addedText[email.factor]} your account at ${site}.`,
          `If this was not you, set a new password at ${site} now, sign in, and remove it.`,
        ],
      }
    case 'factor_removed':
      return {
        subject: 'A second factor was removed from your account',
        paragraphs: [`${removedText[email.factor]} was removed from your account at ${site}.`, alarm],
      }
    case 'recovery_code_used':
      return {
        subject: 'A recovery code of your account was used',
        paragraphs: [
          `A sign-in to your account at ${site} used one of your recovery codes. The number of codes that are left is ${email.left}.`,
          alarm,
        ],
      }
    case 'factors_reset':
      return {
        subject: 'The second factors of your account are removed',
        paragraphs: [
          email.due === null
            ? `An administrator of ${site} has removed all second factors and recovery codes of your account, and has signed you out on every device. The next sign-in needs the password alone.`
            : `An administrator of ${site} has asked to remove all second factors and recovery codes of your account. This happens on ${timeText(email.due)}. To cancel it, sign in with a second factor before then.`,
          `If you did not ask for this, contact the operator of ${site}.`,
        ],
      }
    case 'notices_paused':
      return {
        subject: 'Many changes to your account',
        paragraphs: [
          `${pausedText[email.about]} at ${site}, so often that we send no further e-mails about it for the next hour.`,
          alarm,
        ],
      }
    case 'new_device':
      return {
        subject: 'New sign-in to your account',
        paragraphs: [
          `There was a sign-in to your account at ${site} on a new device.`,
          `When: ${timeText(email.at)}. From: ${addressText(email.address)}. With: ${recognisedDevice(email.userAgent) ?? 'an unknown program'}.`,
          `If this was you, there is nothing to do. ${alarm}`,
        ],
      }
  }
}

function linked(subject: string, email: LinkEmail, linkBase: string, [first, last]: [string, string]): Draft {
  const { kind, link } = email
  return {
    subject,
    url: linkUrl(linkBase, kind, link),
    paragraphs: [
      first,
      `The link works once, until ${timeText(link.expiresAt)}. If you ask for a new link, this one stops working.`,
      last,
    ],
  }
}

function timeText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

const pausedText: Readonly<Record<NoticeTopic, string>> = {
  'sign-ins': 'There were sign-ins to your account on new devices or with recovery codes',
  changes: 'The password, the e-mail address or a second factor of your account was changed, or a change was requested',
}

const addedText = {
  passkey: 'A passkey was added to',
  totp: 'An authenticator app was added to',
  recovery_codes: 'New recovery codes replace the old ones of',
} as const

const removedText = {
  passkey: 'A passkey',
  totp: 'An authenticator app',
  recovery_codes: 'The recovery codes',
} as const

/**
 * Returns the address if it has only the characters of an IP address. A proxy may have added
 * others.
 */
function addressText(address: string): string {
  return /^[0-9a-f.:]+$/.test(address) ? address : 'an unknown address'
}
