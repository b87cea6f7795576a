import type { EmailKind } from './email.js'

/** A message to send. */
export interface MailMessage {
  /** The same for each attempt. */
  readonly id: string
  readonly kind: EmailKind
  readonly to: string
  readonly subject: string
  readonly text: string
  readonly html: string
}

/** Sends messages. */
export interface MailTransport {
  /**
   * Resolves once the message is handed over. Returns the name of the file if it was written to
   * one.
   */
  send(message: MailMessage): Promise<{ readonly file?: string }>
  close(): void
}

/** The sender of a message, as nodemailer takes it. */
export interface Sender {
  readonly name: string
  readonly address: string
}

/**
 * Returns the options of nodemailer for a message. Addresses are passed in parts, so that
 * nodemailer does not parse them.
 */
export function messageOptions({ id, to, subject, text, html }: MailMessage, from: Sender) {
  const domain = from.address.slice(from.address.lastIndexOf('@') + 1)
  return {
    from,
    to: { name: '', address: to },
    subject,
    text,
    html,
    messageId: `<${id}@${domain}>`,
    // Prevents automatic replies (RFC 3834 §5).
    headers: { 'Auto-Submitted': 'auto-generated' },
    disableFileAccess: true,
    disableUrlAccess: true,
  }
}
