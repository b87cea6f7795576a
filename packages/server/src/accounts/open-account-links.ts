import type { Configuration } from '../config/configuration.js'
import type { Core } from '../core.js'
import { Challenges } from '../factors/challenges.js'
import type { EmailDrafter } from '../mail/outbox-worker.js'
import type { ProtectionDomain } from '../protection/open-protection.js'
import { AccountMail } from './account-mail.js'
import { Invitations } from './invitations.js'
import { OneTimeTokens } from './one-time-tokens.js'

/** The one-time links of accounts, and the drafts of e-mails that contain them. */
export interface AccountLinks {
  readonly oneTimeTokens: OneTimeTokens
  readonly invitations: Invitations
  readonly draft: EmailDrafter
}

/** Creates the one-time links of accounts. */
export function openAccountLinks(
  core: Core,
  { names, guesses }: Pick<ProtectionDomain, 'names' | 'guesses'>,
  configuration: Configuration,
): AccountLinks {
  const oneTimeTokens = new OneTimeTokens(core)
  const invitations = new Invitations(core, names, configuration)
  const challenges = new Challenges(core)
  const mail = new AccountMail(core, { oneTimeTokens, invitations, challenges, guesses }, configuration)
  return { oneTimeTokens, invitations, draft: (client, request) => mail.draft(client, request) }
}
