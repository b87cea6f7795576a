import { html } from '../html.js'
import type { Letter, OneTimeLink } from './letter.js'

/** What a letter says, as plain text and as HTML. */
export interface ComposedLetter {
  readonly subject: string
  readonly text: string
  readonly html: string
}

/** A letter before it is set in either form. */
interface Draft {
  readonly subject: string
  readonly paragraphs: readonly string[]
  /** Stands behind the first paragraph. */
  readonly url?: string
}

const maxAgentLength = 120

/**
 * The text of a letter. Subjects are fixed, and nothing that somebody chose is in a letter to somebody else but the address that an account is changed
 * to: otherwise strangers could send texts of their own in the operator's name. `linkBase`: the URL under which the linked pages are, without a slash at its end.
 */
export function composeLetter(letter: Letter, linkBase: string): ComposedLetter {
  const { subject, paragraphs, url } = draft(letter, linkBase)
  const [first = '', ...others] = paragraphs
  const text = [first, ...(url === undefined ? [] : [url]), ...others].join('\n\n')
  const link = url === undefined ? [] : [html`<a href="${url}">${url}</a>`]
  const blocks = [first, ...link, ...others].map((block) => html`<p>${block}</p>`.text)
  return { subject, text: `${text}\n`, html: `<!doctype html><html><body>${blocks.join('\n')}</body></html>\n` }
}

function draft(letter: Letter, linkBase: string): Draft {
  const site = new URL(linkBase).host
  const unasked = 'If you did not ask for this, ignore this message: nothing changes.'
  const alarm = `If that was not you, set a new password at ${site} now: it signs every device out.`
  switch (letter.kind) {
    case 'verify_email':
      return linked('Verify your e-mail address', letter.link, `${linkBase}/verify-email`, [
        `Follow this link to verify that this address is yours. Somebody registered it at ${site}.`,
        'If it was not you, ignore this message.',
      ])
    case 'finish_registration':
      return linked('Finish your registration', letter.link, `${linkBase}/finish-registration`, [
        `Follow this link to finish your registration at ${site}. You will need the password that you chose.`,
        unasked,
      ])
    case 'reset_password':
      return linked('Reset your password', letter.link, `${linkBase}/reset-password`, [
        `Follow this link to set a new password at ${site}. It signs every device out.`,
        unasked,
      ])
    case 'confirm_email':
      return linked('Confirm your new e-mail address', letter.link, `${linkBase}/verify-email`, [
        `Follow this link to make this the address of your account at ${site}.`,
        unasked,
      ])
    case 'email_has_account':
      return {
        subject: 'You have an account already',
        paragraphs: [
          `Somebody tried to use this address for an account at ${site}, but there is one with it already.`,
          'If it was you, sign in, or ask for a new password. If it was not, ignore this message: nothing changes.',
        ],
      }
    case 'password_changed':
      return {
        subject: 'Your password was changed',
        paragraphs: [`The password of your account at ${site} was changed.`, alarm],
      }
    case 'email_change_requested':
      return {
        subject: 'Your e-mail address is about to change',
        paragraphs: [
          `Somebody who knows your password asked to change the address of your account at ${site} to ${letter.newEmail}.`,
          alarm,
        ],
      }
    case 'email_changed':
      return {
        subject: 'Your e-mail address was changed',
        paragraphs: [
          `The address of your account at ${site} is now ${letter.newEmail}. This address no longer belongs to it.`,
          `If that was not you, tell the operator of ${site}.`,
        ],
      }
    case 'new_device':
      return {
        subject: 'New sign-in to your account',
        paragraphs: [
          `Somebody signed in to your account at ${site} on a device that has not done so before.`,
          `When: ${timeText(letter.at)}. From: ${letter.address}. With: ${agentText(letter.userAgent)}.`,
          `If it was you, there is nothing to do. ${alarm}`,
        ],
      }
  }
}

/** The token goes behind the "#": browsers send that part to nobody, so that it is in no log and no Referer. */
function linked(
  subject: string,
  { token, expiresAt }: OneTimeLink,
  page: string,
  [first, last]: [string, string],
): Draft {
  return {
    subject,
    url: `${page}#token=${token}`,
    paragraphs: [first, `It works once, until ${timeText(expiresAt)}, and not once there is a newer one.`, last],
  }
}

function timeText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

/** What the client says of itself, on one line. */
function agentText(userAgent: string | null): string {
  const printable = (userAgent ?? '').replaceAll(/[^\x20-\x7e]/g, ' ').trim()
  return printable === '' ? 'an unnamed program' : printable.slice(0, maxAgentLength)
}
