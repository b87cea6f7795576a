import { createTransport } from 'nodemailer'
import type { MailCarrier } from '../config/configuration.js'
import { currentOf } from '../config/setting-files.js'
import { type MailMessage, type MailTransport, messageOptions, type Sender } from './mail-transport.js'
import { explainFailure, smtpTimeouts } from './smtp-session.js'

type SmtpCarrier = Extract<MailCarrier, { kind: 'smtp' }>

/** The current settings of the mail server. */
interface SmtpEndpoint {
  readonly url: string
  readonly authorities: readonly string[] | undefined
}

/**
 * Returns a transport that sends by SMTP. Each message uses the URL and the certificate authorities
 * that are current when it is sent. Throws nodemailer's errors and `STARTTLS_NOT_OFFERED`.
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

/** A pool of sessions with one mail server and one login. */
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

  /** Closes once the current messages are sent. Closing earlier would drop waiting messages. */
  retire(): void {
    this.#retired = true
    if (this.#sending === 0) this.close()
  }

  close(): void {
    this.#mailer.close()
  }
}
