import type { EmailKind } from './email.js'

/** A message as it leaves. */
export interface MailMessage {
  /** The same for each attempt to send it. */
  readonly id: string
  readonly kind: EmailKind
  readonly to: string
  readonly subject: string
  readonly text: string
  readonly html: string
}

/** Brings messages on their way. */
export interface MailTransport {
  /** Resolves once somebody else answers for the message; gives the name of the file, where it was put into one. */
  send(message: MailMessage): Promise<{ readonly file?: string }>
  close(): void
}

/** Who a message comes from, as nodemailer takes it. */
export interface Sender {
  readonly name: string
  readonly address: string
}

/** What nodemailer makes the message from. Addresses are given in parts, so that nobody parses them again. */
export function messageOptions({ id, to, subject, text, html }: MailMessage, from: Sender) {
  const domain = from.address.slice(from.address.lastIndexOf('@') + 1)
  return {
    from,
    to: { name: '', address: to },
    subject,
    text,
    html,
    messageId: `<${id}@${domain}>`,
    // No vacation notices in answer (RFC 3834 §5).
    headers: { 'Auto-Submitted': 'auto-generated' },
    disableFileAccess: true,
    disableUrlAccess: true,
  }
}
