import { createTransport } from 'nodemailer'
import { type MailTransport, messageOptions, type Sender } from './mail-transport.js'
import { explainFailure, smtpTimeouts } from './smtp-session.js'

const maxConnections = 5

/** Sends by SMTP. A failure is nodemailer's error, or says that encryption is required and not offered. */
export function smtpTransport(url: string, from: Sender): MailTransport {
  const mailer = createTransport({ url, pool: true, maxConnections, ...smtpTimeouts })
  return {
    send: async (message) => {
      try {
        await mailer.sendMail(messageOptions(message, from))
      } catch (error) {
        throw await explainFailure(url, error)
      }
      return {}
    },
    close: () => mailer.close(),
  }
}
