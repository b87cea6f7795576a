import type { MailConfiguration } from '../config/configuration.js'
import type { MailTransport } from './mail-transport.js'

/** Returns the configured transport; `undefined` if mail is not configured. */
export function openTransport({ carrier, from }: MailConfiguration): MailTransport | undefined {
  if (carrier === undefined) return undefined
  return lazyTransport(async () => {
    if (carrier.kind === 'smtp') return (await import('./smtp-transport.js')).smtpTransport(carrier, from)
    return (await import('./folder-transport.js')).folderTransport(carrier.folder, from)
  })
}

/**
 * Opens the transport for its first message, because nodemailer takes long to load and most starts
 * send no e-mail.
 */
function lazyTransport(open: () => Promise<MailTransport>): MailTransport {
  let opened: Promise<MailTransport> | undefined
  return {
    send: async (message) => {
      opened ??= open()
      return (await opened).send(message)
    },
    close: () => void opened?.then((transport) => transport.close()),
  }
}
