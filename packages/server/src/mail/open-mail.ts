import type { Configuration } from '../config/configuration.js'
import type { Core } from '../core.js'
import type { Messages } from '../messages/messages.js'
import { type KeyedNames, MailQuota } from './mail-quota.js'
import { openTransport } from './open-transport.js'
import { Outbox, outboxKeyring } from './outbox.js'
import { type EmailDrafter, OutboxWorker } from './outbox-worker.js'

/** The objects that queue and send e-mails. */
export interface MailDomain {
  readonly outbox: Outbox
  readonly quota: MailQuota
  /** `undefined` if mail is not configured. */
  readonly outboxWorker: OutboxWorker | undefined
}

/** The parts of other domains that mail uses. */
export interface MailDependencies {
  readonly names: KeyedNames
  readonly draft: EmailDrafter
  readonly messages: Messages
}

/** Opens the outbox under its stored key, and the worker that sends its entries. */
export async function openMail(
  core: Core,
  { names, draft, messages }: MailDependencies,
  { mail }: Pick<Configuration, 'mail'>,
): Promise<MailDomain> {
  // The name of a stored key never changes.
  const key = await core.keys.storedKey('server:mail-key', outboxKeyring)
  const transport = openTransport(mail)
  const quota = new MailQuota(core, names)
  const outbox = new Outbox(core, { key, quota, enabled: transport !== undefined })
  const { linkBase } = mail
  const outboxWorker = transport && new OutboxWorker(core, { outbox, transport, draft, linkBase, messages })
  return { outbox, quota, outboxWorker }
}
