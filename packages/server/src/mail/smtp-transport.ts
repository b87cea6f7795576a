import { createTransport } from 'nodemailer'
import type { MailCarrier } from '../config/configuration.js'
import { currentOf } from '../config/setting-files.js'
import { type MailMessage, type MailTransport, messageOptions, type Sender } from './mail-transport.js'
import { explainFailure, smtpTimeouts } from './smtp-session.js'

/** The mail server, and whose certificate it may have. */
type SmtpCarrier = Extract<MailCarrier, { kind: 'smtp' }>

/** Where sessions are opened now. */
interface SmtpEndpoint {
  readonly url: string
  readonly authorities: readonly string[] | undefined
}

/**
 * Sends by SMTP. Every message goes out in a session of the URL and the authorities that hold when it
 * is sent. A failure is nodemailer's error, or says that encryption is required and not offered.
 */
export function smtpTransport(carrier: SmtpCarrier, from: Sender): MailTransport {
  let sessions: SmtpSessions | undefined
  return {
    send: async (message) => {
      const endpoint = { url: currentOf(carrier.url), authorities: carrier.authorities?.() }
      if (!sessions?.matches(endpoint)) {
        sessions?.retire()
        sessions = new SmtpSessions(endpoint)
      }
      await sessions.send(message, from)
      return {}
    },
    close: () => sessions?.close(),
  }
}

const maxConnections = 5

/** Sessions with one mail server under one login, used again for further messages. */
class SmtpSessions {
  readonly #endpoint: SmtpEndpoint
  readonly #mailer
  #sending = 0
  #retired = false

  constructor(endpoint: SmtpEndpoint) {
    this.#endpoint = endpoint
    const { url, authorities } = endpoint
    const tls = authorities === undefined ? {} : { tls: { ca: [...authorities] } }
    this.#mailer = createTransport({ url, pool: true, maxConnections, ...smtpTimeouts, ...tls })
  }

  matches({ url, authorities }: SmtpEndpoint): boolean {
    return url === this.#endpoint.url && authorities === this.#endpoint.authorities
  }

  async send(message: MailMessage, from: Sender): Promise<void> {
    this.#sending += 1
    try {
      await this.#mailer.sendMail(messageOptions(message, from))
    } catch (error) {
      throw await explainFailure(this.#endpoint.url, error)
    } finally {
      this.#sending -= 1
      if (this.#retired && this.#sending === 0) this.close()
    }
  }

  /** Closes once the messages under way are sent: a pool that is closed drops those that wait in it. */
  retire(): void {
    this.#retired = true
    if (this.#sending === 0) this.close()
  }

  close(): void {
    this.#mailer.close()
  }
}
