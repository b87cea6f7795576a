import { type RecognisedDevice, recognisedDevice } from '../device-name.js'
import { html } from '../html.js'
import { withoutIsolates } from '../messages/bidi.js'
import { paragraphsOf } from '../messages/letter-templates.js'
import type { LocaleMessages, MessageValues } from '../messages/locale-messages.js'
import type { Email } from './email.js'
import { linkUrl } from './link-url.js'

/** The content of an e-mail, as plain text and as HTML. */
export interface ComposedEmail {
  readonly subject: string
  readonly text: string
  readonly html: string
}

/**
 * Returns the content of an e-mail. It contains no text that a person or a program chose: no name,
 * no address of another mailbox, no `User-Agent`. Mail programs turn every text that looks like an
 * address into a link, so that an attacker could otherwise send links in the operator's name.
 * `linkBase`: the base URL of the linked pages, without a slash at its end.
 */
export function composeEmail(email: Email, linkBase: string, messages: LocaleMessages): ComposedEmail {
  const name = letterOf(email)
  const url = urlOf(email, linkBase)
  const values = valuesOf(email, { linkBase, messages, url })
  const subject = messages.plain(`letter.${name}.subject`, values)
  const paragraphs = paragraphsOf(messages.text(`letter.${name}.body`, values)).map((paragraph) =>
    // Isolates around the URL would become part of the link, and around the code a part of its copy.
    [url, values.code].includes(withoutIsolates(paragraph)) ? withoutIsolates(paragraph) : paragraph,
  )
  const blocks = paragraphs.map((paragraph) => {
    if (paragraph === url) return html`<p dir="ltr"><a href="${url}">${url}</a></p>`.text
    return paragraph === values.code
      ? html`<p dir="ltr"><strong>${paragraph}</strong></p>`.text
      : html`<p>${paragraph}</p>`.text
  })
  const { locale, dir } = messages
  const head = html`<html lang="${locale}" dir="${dir}">`.text
  return {
    subject,
    text: `${paragraphs.join('\n\n')}\n`,
    html: `<!doctype html>${head}<body>${blocks.join('\n')}</body></html>\n`,
  }
}

/** Returns the link of an e-mail; `undefined` if it has none. */
function urlOf(email: Email, linkBase: string): string | undefined {
  if ('link' in email) return linkUrl(linkBase, email.kind, email.link)
  if (email.kind !== 'sign_in' || email.linkToken === null) return undefined
  return linkUrl(linkBase, email.kind, { token: email.linkToken })
}

/** Returns the name of the letter in the keys of the messages. */
function letterOf(email: Email): string {
  switch (email.kind) {
    case 'notices_paused':
      return email.about === 'sign-ins' ? 'sign_ins_paused' : 'changes_paused'
    case 'factor_added':
      return `${email.factor}_added`
    case 'factor_removed':
      return `${email.factor}_removed`
    case 'sign_in':
      if (email.linkToken === null) return 'sign_in_code'
      return email.code === null ? 'sign_in_link' : 'sign_in_code_and_link'
    case 'factors_reset':
      return email.due === null ? 'factors_reset' : 'factors_reset_planned'
    default:
      return email.kind
  }
}

interface LetterContext {
  readonly linkBase: string
  readonly messages: LocaleMessages
  readonly url: string | undefined
}

/** Returns the values of the placeholders of a letter. */
function valuesOf(email: Email, { linkBase, messages, url }: LetterContext): MessageValues {
  const site = new URL(linkBase).host
  if ('link' in email) return { site, link: url ?? '', time: messages.dateTime(email.link.expiresAt) }
  if (email.kind === 'recovery_code_used') return { site, left: email.left }
  if (email.kind === 'factors_reset' && email.due !== null) return { site, time: messages.dateTime(email.due) }
  if (email.kind !== 'new_device' && email.kind !== 'sign_in') return { site }
  const { address, userAgent } = email
  const device = deviceText(recognisedDevice(userAgent), messages)
  const client = { site, address: addressText(address, messages), device }
  if (email.kind === 'new_device') return { ...client, time: messages.dateTime(email.at) }
  const code = email.code === null ? {} : { code: email.code }
  return { ...client, ...code, link: url ?? '', time: messages.dateTime(email.expiresAt) }
}

function deviceText({ program, system }: RecognisedDevice, messages: LocaleMessages): string {
  if (program !== undefined && system !== undefined) return messages.text('letter.device', { program, system })
  return program ?? system ?? messages.text('letter.unknown-device')
}

/**
 * Returns the address if it has only the characters of an IP address. A proxy may have added
 * others.
 */
function addressText(address: string, messages: LocaleMessages): string {
  return /^[0-9a-f.:]+$/.test(address) ? address : messages.text('letter.unknown-address')
}
