import { recognisedDevice } from '../device-name.js'
import { html } from '../html.js'
import type { Email, LinkEmail, NoticeTopic } from './email.js'
import { linkUrl } from './link-url.js'

/** What a email says, as plain text and as HTML. */
export interface ComposedEmail {
  readonly subject: string
  readonly text: string
  readonly html: string
}

/** A email before it is set in either form. */
interface Draft {
  readonly subject: string
  readonly paragraphs: readonly string[]
  /** Stands behind the first paragraph. */
  readonly url?: string
}

/**
 * Returns the text of a email. It holds nothing that a person or a program chose: no name, no address of another mailbox, no
 * `User-Agent`. Mail programs make links of whatever looks like one, so that a stranger could otherwise send links in the operator's
 * name. `linkBase`: the URL under which the linked pages are, without a slash at its end.
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
  const unasked = 'If you did not ask for this, ignore this message: nothing changes.'
  const alarm = `If that was not you, set a new password at ${site} now: it signs every device out.`
  switch (email.kind) {
    case 'verify_email':
      return linked('Verify your e-mail address', email, linkBase, [
        `This address was registered at ${site}. Follow this link to verify that it is yours. You need to be signed in, or the password that you chose.`,
        `If you did not register, ignore this message: the link does nothing without that password. To use this address at ${site} yourself, ask for a new password there.`,
      ])
    case 'finish_registration':
      return linked('Finish your registration', email, linkBase, [
        `Follow this link to finish your registration at ${site}. You will need the password that you chose.`,
        unasked,
      ])
    case 'accept_invitation':
      return linked('You are invited', email, linkBase, [
        `You are invited to make an account at ${site} with this address. Follow this link to choose a password.`,
        'If you do not want an account, ignore this message: nothing changes.',
      ])
    case 'reset_password':
      return linked('Reset your password', email, linkBase, [
        `Follow this link to set a new password at ${site}. It signs every device out.`,
        unasked,
      ])
    case 'confirm_email':
      return linked('Confirm your new e-mail address', email, linkBase, [
        `Follow this link to make this the address of your account at ${site}. You need to be signed in, or your password.`,
        unasked,
      ])
    case 'confirm_device':
      return linked('Confirm your sign-in', email, linkBase, [
        `Your password was entered at ${site} on a device that has not been used for your account before, after many wrong ones. If that was you, open this link on that device, and sign in again.`,
        `If it was not you, do not follow the link. Set a new password at ${site} now: it signs every device out.`,
      ])
    case 'email_has_account':
      return {
        subject: 'You have an account already',
        paragraphs: [
          `This address was entered for a new account at ${site}, but there is one with it already.`,
          'If it was you, sign in, or ask for a new password. If it was not, ignore this message: nothing changes.',
        ],
      }
    case 'password_changed':
      return {
        subject: 'Your password was changed',
        paragraphs: [`The password of your account at ${site} was changed.`, alarm],
      }
    case 'reset_link_made':
      return {
        subject: 'A link to reset your password was made',
        paragraphs: [
          `An administrator of ${site} made a link with which a new password can be set for your account.`,
          `If you did not ask for that, write to the operator of ${site}.`,
        ],
      }
    case 'email_change_requested':
      return {
        subject: 'Your e-mail address is about to change',
        paragraphs: [
          `A change of the address of your account at ${site} was asked for, with your password.`,
          'It is made once a link is followed that was mailed to the new address.',
          alarm,
        ],
      }
    case 'email_changed':
      return {
        subject: 'Your e-mail address was changed',
        paragraphs: [
          `Your account at ${site} has another address now. This address no longer belongs to it.`,
          `If that was not you, write to the operator of ${site}.`,
        ],
      }
    case 'notices_paused':
      return {
        subject: 'There is more news about your account than we send',
        paragraphs: [
          `${pausedText[email.about]} at ${site}: so often within an hour that we send no email about each of them for the next hour.`,
          alarm,
        ],
      }
    case 'new_device':
      return {
        subject: 'New sign-in to your account',
        paragraphs: [
          `Your account at ${site} was signed in to on a device that has not been used for it before.`,
          `When: ${timeText(email.at)}. From: ${addressText(email.address)}. With: ${recognisedDevice(email.userAgent) ?? 'a program that is not recognised'}.`,
          `If it was you, there is nothing to do. ${alarm}`,
        ],
      }
  }
}

function linked(subject: string, email: LinkEmail, linkBase: string, [first, last]: [string, string]): Draft {
  const { kind, link } = email
  return {
    subject,
    url: linkUrl(linkBase, kind, link),
    paragraphs: [first, `It works once, until ${timeText(link.expiresAt)}, and not once there is a newer one.`, last],
  }
}

function timeText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

const pausedText: Readonly<Record<NoticeTopic, string>> = {
  'sign-ins': 'Your account was signed in to on devices that have not been used for it before',
  changes: 'The password or the address of your account was changed, or a change was asked for or prepared',
}

/** Digits and colons are all that an IP address needs; what a proxy adds to one is left out. */
function addressText(address: string): string {
  return /^[0-9a-f.:]+$/.test(address) ? address : 'an unknown address'
}
