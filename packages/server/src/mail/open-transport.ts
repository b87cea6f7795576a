import type { MailConfiguration } from '../config/configuration.js'
import { folderTransport } from './folder-transport.js'
import type { MailTransport } from './mail-transport.js'
import { smtpTransport } from './smtp-transport.js'

/** Who takes the letters; `undefined` for nobody. */
export function openTransport({ carrier, from }: MailConfiguration): MailTransport | undefined {
  if (carrier === undefined) return undefined
  return carrier.kind === 'smtp' ? smtpTransport(carrier.url, from) : folderTransport(carrier.folder, from)
}
