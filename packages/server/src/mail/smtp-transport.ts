import { createTransport } from 'nodemailer'
import { type MailTransport, messageOptions, type Sender } from './mail-transport.js'

const connectTimeoutMs = 10_000
const silenceTimeoutMs = 30_000
const maxConnections = 5

/** Sends by SMTP. A failure is nodemailer's error: `permanent` with `EENVELOPE` or `EMESSAGE` says that this message will never be taken. */
export function smtpTransport(url: string, from: Sender): MailTransport {
  const mailer = createTransport({
    url,
    pool: true,
    maxConnections,
    connectionTimeout: connectTimeoutMs,
    greetingTimeout: connectTimeoutMs,
    socketTimeout: silenceTimeoutMs,
  })
  return {
    send: async (message) => {
      await mailer.sendMail(messageOptions(message, from))
      return {}
    },
    close: () => mailer.close(),
  }
}
