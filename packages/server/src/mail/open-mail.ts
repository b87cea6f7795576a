import type { Clock, Keyring, StoredKey } from 'latchkey'
import type { SqlStore } from 'latchkey/sql'
import type { AuditTrail } from '../audit/audit-trail.js'
import type { MailConfiguration } from '../config/configuration.js'
import type { Registration } from '../config/settings.js'
import { MailQuota, type MailQuotaOptions } from './mail-quota.js'
import { openTransport } from './open-transport.js'
import { Outbox } from './outbox.js'
import { OutboxWorker } from './outbox-worker.js'
import { Invitations } from '../accounts/invitations.js'
import { OneTimeTokens } from '../accounts/one-time-tokens.js'
import { RequestAnswers } from '../accounts/account-mail.js'

/** What letters are written with. */
export interface CorrespondenceParts {
  readonly store: SqlStore
  /** Seals the outbox. */
  readonly key: StoredKey<Keyring>
  readonly ensureKeys: () => Promise<void> | undefined
  readonly names: MailQuotaOptions['names']
  readonly audit: AuditTrail
  readonly clock: Clock
  readonly registration: Registration
  readonly invitationTtlSec: number
}

/** Everything between an account and its owner's mailbox. */
export interface Correspondence {
  readonly tokens: OneTimeTokens
  readonly invitations: Invitations
  readonly outbox: Outbox
  readonly quota: MailQuota
  /** `undefined` where nothing can be mailed. */
  readonly outboxWorker: OutboxWorker | undefined
}

/** Puts it together as the operator has decided. */
export function openCorrespondence(mail: MailConfiguration, parts: CorrespondenceParts): Correspondence {
  const { store, audit, clock, registration } = parts
  const { linkBase, resetLinkTtlSec, verifyLinkTtlSec } = mail
  const transport = openTransport(mail)
  const tokens = new OneTimeTokens({ store, clock })
  const invitations = new Invitations(parts)
  const quota = new MailQuota(parts)
  const outbox = new Outbox({ ...parts, quota, served: transport !== undefined })
  const answers = new RequestAnswers({ tokens, invitations, registration, audit, resetLinkTtlSec, verifyLinkTtlSec })
  const answer = answers.draft.bind(answers)
  const outboxWorker = transport && new OutboxWorker({ store, outbox, transport, answer, linkBase, audit, clock })
  return { tokens, invitations, outbox, quota, outboxWorker }
}
