import type { MailConfiguration } from '../config/configuration.js'
import type { MailTransport } from './mail-transport.js'

/** Who takes the letters; `undefined` for nobody. */
export function openTransport({ carrier, from }: MailConfiguration): MailTransport | undefined {
  if (carrier === undefined) return undefined
  return lazyTransport(async () => {
    if (carrier.kind === 'smtp') return (await import('./smtp-transport.js')).smtpTransport(carrier, from)
    return (await import('./folder-transport.js')).folderTransport(carrier.folder, from)
  })
}

/** The same transport, opened for its first message: what composes messages takes long to load, and a server that starts has none. */
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
